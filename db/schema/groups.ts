/** Groups carry permissions. A user has the permissions of all groups that they are a member of. */
import { baseColumns, rightsVersion } from './base.ts';
import type { ColumnTypes } from './column-types.ts';
import type { UsersTable } from './users.ts';

/** In characters. The API's schemas use these limits, too. */
export const GROUP_LENGTHS = { name: 64, title: 200, permission: 64 };

export const defineGroups = (t: ColumnTypes) =>
  t.table(
    'groups',
    {
      ...baseColumns(t),
      name: t.string(GROUP_LENGTHS.name).notNull(),
      title: t.string(GROUP_LENGTHS.title).notNull().default(''),
      rightsVersion: rightsVersion(t),
    },
    (groups) => [t.uniqueIndex('groups_name').on(groups.name)],
  );

export type Role = 'member' | 'manager';

type GroupsTable = ReturnType<typeof defineGroups>;

export const defineGroupPermissions = (t: ColumnTypes, groups: GroupsTable) =>
  t.table(
    'group_permissions',
    {
      groupId: t
        .ref()
        .notNull()
        .references(() => groups.id, { onDelete: 'cascade' }),
      permission: t.string(GROUP_LENGTHS.permission).notNull(),
    },
    (permissions) => [
      t.primaryKey({ columns: [permissions.groupId, permissions.permission] }),
      t.index('group_permissions_permission').on(permissions.permission),
    ],
  );

export const defineMemberships = (t: ColumnTypes, groups: GroupsTable, users: UsersTable) =>
  t.table(
    'memberships',
    {
      groupId: t
        .ref()
        .notNull()
        .references(() => groups.id, { onDelete: 'cascade' }),
      userId: t
        .ref()
        .notNull()
        .references(() => users.id, { onDelete: 'cascade' }),
      /** A manager may change the group's memberships. */
      role: t.string(16).notNull().$type<Role>(),
      createdAt: t.instant().notNull(),
    },
    (memberships) => [
      t.primaryKey({ columns: [memberships.groupId, memberships.userId] }),
      t.index('memberships_user').on(memberships.userId, memberships.groupId),
    ],
  );
