/** Groups: what users belong to. A group carries permissions, and its members have the union of their groups'. */
import type { Vocabulary } from '../vocabulary.ts';
import { baseColumns } from './base.ts';
import type { UsersTable } from './users.ts';

export const defineGroups = (v: Vocabulary) =>
  v.table(
    'groups',
    {
      ...baseColumns(v),
      name: v.string(64).notNull(),
      title: v.string(200).notNull().default(''),
    },
    (groups) => [v.uniqueIndex('groups_name').on(groups.name)],
  );

type GroupsTable = ReturnType<typeof defineGroups>;

export const defineGroupPermissions = (v: Vocabulary, groups: GroupsTable) =>
  v.table(
    'group_permissions',
    {
      groupId: v
        .ref()
        .notNull()
        .references(() => groups.id, { onDelete: 'cascade' }),
      permission: v.string(64).notNull(),
    },
    (permissions) => [
      v.primaryKey({ columns: [permissions.groupId, permissions.permission] }),
      v.index('group_permissions_permission').on(permissions.permission),
    ],
  );

export const defineMemberships = (v: Vocabulary, groups: GroupsTable, users: UsersTable) =>
  v.table(
    'memberships',
    {
      groupId: v
        .ref()
        .notNull()
        .references(() => groups.id, { onDelete: 'cascade' }),
      userId: v
        .ref()
        .notNull()
        .references(() => users.id, { onDelete: 'cascade' }),
      /** 'member', or 'manager' who may change who belongs to the group. */
      role: v.string(16).notNull(),
      createdAt: v.instant().notNull(),
    },
    (memberships) => [
      v.primaryKey({ columns: [memberships.groupId, memberships.userId] }),
      v.index('memberships_user').on(memberships.userId, memberships.groupId),
    ],
  );
