/** Queries for memberships: who belongs to which group, and with which role. */
import { and, eq, inArray, isNotNull, or, sql } from '../drizzle.ts';
import type { Engine, Step, Tables } from '../engines/engine.ts';
import { compareIds } from '../ids.ts';
import {
  equals,
  pickColumns,
  placeholder,
  placeholdersFor,
  typedPlaceholder,
} from '../schema/column-types.ts';
import type { Role } from '../schema/groups.ts';
import { pageAfter } from './page-after.ts';
import { EVERYTHING } from './permissions.ts';
import { passwordColumns } from './users.ts';

export type { Role };

export type MemberRow = NonNullable<Awaited<ReturnType<ReturnType<typeof membershipQueries>['find']>>>;

type UserGroups = Awaited<ReturnType<ReturnType<typeof membershipQueries>['pageOfUser']>>;
export type UserGroupRow = NonNullable<UserGroups>[number];

type Membership = Omit<Tables['memberships']['$inferSelect'], 'createdAt'>;

export function membershipQueries(engine: Engine) {
  return { ...memberReads(engine), ...userGroupReads(engine), ...membershipSteps(engine) };
}

function memberReads({ build, readOne, readWith, tables: { groups, memberships, users } }: Engine) {
  const ofUserInGroup = and(equals(memberships.groupId, 'groupId'), equals(memberships.userId, 'userId'));
  const role = build.select({ role: memberships.role }).from(memberships).where(ofUserInGroup);
  const roleOf = readOne(role);
  const shown = {
    ...pickColumns(users, 'id', 'username', 'name'),
    ...passwordColumns(users),
    ...pickColumns(memberships, 'role', 'createdAt'),
  };
  const members = () =>
    build.select(shown).from(memberships).innerJoin(users, eq(users.id, memberships.userId));
  const one = readOne(members().where(ofUserInGroup));
  const pageOfGroup = readWith(
    build
      .select({ roleOfUser: sql<Role | null>`${role}`.as('role_of_user') })
      .from(groups)
      .where(equals(groups.id, 'groupId')),
    pageAfter(members().$dynamic(), memberships.userId, equals(memberships.groupId, 'groupId')),
  );

  return {
    role: async (groupId: string, userId: string) => (await roleOf({ groupId, userId }))?.role,
    find: (groupId: string, userId: string) => one({ groupId, userId }),
    /** Reads members and the role of that user, who may be no member. Returns undefined when the group is missing. */
    async page(groupId: string, userId: string, after: string, limit: number) {
      const found = await pageOfGroup({ groupId, userId, after, limit });
      return found && { members: found.children.sort(compareIds), roleOfUser: found.parent.roleOfUser };
    },
  };
}

function userGroupReads({ build, read, readOne, readWith, tables }: Engine) {
  const { groupPermissions, groups, memberships, users } = tables;

  const roleByName = readOne(
    build
      .select({ role: memberships.role })
      .from(groups)
      .innerJoin(memberships, eq(memberships.groupId, groups.id))
      .where(and(equals(groups.name, 'name'), equals(memberships.userId, 'userId'))),
  );
  const shown = {
    ...pickColumns(groups, 'id', 'name', 'title'),
    ...pickColumns(memberships, 'role', 'createdAt'),
  };
  const groupsOfUser = build
    .select(shown)
    .from(memberships)
    .innerJoin(groups, eq(groups.id, memberships.groupId))
    .$dynamic();
  const pageOfUser = readWith(
    build.select({ id: users.id }).from(users).where(equals(users.id, 'userId')),
    pageAfter(groupsOfUser, memberships.groupId, equals(memberships.userId, 'userId')),
  );
  const rights = read(
    build
      .select({ id: groups.id, version: groups.version, permission: groupPermissions.permission })
      .from(memberships)
      .innerJoin(groups, eq(groups.id, memberships.groupId))
      .leftJoin(groupPermissions, eq(groupPermissions.groupId, memberships.groupId))
      .where(equals(memberships.userId, 'userId')),
  );

  return {
    belongs: async (userId: string, name: string) => (await roleByName({ userId, name })) !== undefined,
    /** Reads the user's groups. Returns undefined when the user is missing. */
    pageOfUser: async (userId: string, after: string, limit: number) =>
      (await pageOfUser({ userId, after, limit }))?.children.sort(compareIds),
    /** Returns a row for each permission of each of the user's groups, and one row for a group without any. */
    rights: (userId: string) => rights({ userId }),
  };
}

function membershipSteps({ build, condition, write, tables: { groupPermissions, memberships } }: Engine) {
  // Finds a membership that manages the group, or one whose group gives the permission.
  const managesOrHolds = condition(
    build
      .select({ one: sql`1` })
      .from(memberships)
      .leftJoin(
        groupPermissions,
        and(
          eq(groupPermissions.groupId, memberships.groupId),
          inArray(groupPermissions.permission, [placeholder('permission'), EVERYTHING]),
        ),
      )
      .where(
        and(
          equals(memberships.userId, 'userId'),
          or(
            isNotNull(groupPermissions.permission),
            and(equals(memberships.groupId, 'groupId'), eq(memberships.role, 'manager')),
          ),
        ),
      ),
    'some',
  );
  const row = placeholdersFor(memberships, 'groupId', 'userId', 'role', 'createdAt');
  const insert = write(build.insert(memberships).values(row), 1);
  const ofUserInGroup = and(equals(memberships.groupId, 'groupId'), equals(memberships.userId, 'userId'));
  const withRoleBefore = and(ofUserInGroup, eq(memberships.role, placeholder('before')));
  const role = typedPlaceholder('role', memberships.role);
  const update = write(build.update(memberships).set({ role }).where(withRoleBefore), 1);
  const removal = write(build.delete(memberships).where(withRoleBefore), 1);

  return {
    /** Requires that the user manages the group or has the permission. */
    managesOrHolds: (userId: string, groupId: string, permission: string): Step =>
      managesOrHolds({ userId, groupId, permission }),
    /** Makes `atomically` throw a DuplicateError when the user already belongs to the group. */
    add: (membership: Membership, now: number): Step => insert({ ...membership, createdAt: now }),
    /** Requires that the user still has the role `before`, and so does `remove`. */
    change: (membership: Membership, before: Role): Step => update({ ...membership, before }),
    remove: (groupId: string, userId: string, before: Role): Step => removal({ groupId, userId, before }),
  };
}
