/** What is asked of who belongs to which group. */
import { and, asc, eq, gt, inArray, isNotNull, or, sql } from '../drizzle.ts';
import type { Engine, Step } from '../engines/engine.ts';
import { inOrderOfIds } from '../ids.ts';
import {
  equals,
  limitPlaceholder,
  placeholder,
  placeholdersFor,
  typedPlaceholder,
} from '../schema/column-types.ts';
import type { Role } from '../schema/groups.ts';
import { EVERYTHING } from './permissions.ts';

export type { Role };

export type MemberRow = NonNullable<Awaited<ReturnType<ReturnType<typeof membershipQueries>['find']>>>;

export type UserGroupRow = NonNullable<
  Awaited<ReturnType<ReturnType<typeof membershipQueries>['pageOfUser']>>
>[number];

export function membershipQueries(engine: Engine) {
  const { build, condition, read, readOne, readWith, write, tables } = engine;
  const { groupPermissions, groups, memberships, users } = tables;
  const ofUserInGroup = and(equals(memberships.groupId, 'groupId'), equals(memberships.userId, 'userId'));

  const role = build.select({ role: memberships.role }).from(memberships).where(ofUserInGroup);
  const roleOf = readOne(role);
  const roleByName = readOne(
    build
      .select({ role: memberships.role })
      .from(groups)
      .innerJoin(memberships, eq(memberships.groupId, groups.id))
      .where(and(equals(groups.name, 'name'), equals(memberships.userId, 'userId'))),
  );
  const shown = {
    id: users.id,
    username: users.username,
    name: users.name,
    role: memberships.role,
    createdAt: memberships.createdAt,
  };
  const one = readOne(
    build
      .select(shown)
      .from(memberships)
      .innerJoin(users, eq(users.id, memberships.userId))
      .where(ofUserInGroup),
  );
  const pageOfGroup = readWith(
    build
      .select({ roleOfUser: sql<Role | null>`${role}`.as('role_of_user') })
      .from(groups)
      .where(equals(groups.id, 'groupId')),
    build
      .select(shown)
      .from(memberships)
      .innerJoin(users, eq(users.id, memberships.userId))
      .where(and(equals(memberships.groupId, 'groupId'), gt(memberships.userId, placeholder('after'))))
      .orderBy(asc(memberships.userId))
      .limit(limitPlaceholder),
  );
  const pageOfUser = readWith(
    build.select({ id: users.id }).from(users).where(equals(users.id, 'userId')),
    build
      .select({
        id: groups.id,
        name: groups.name,
        title: groups.title,
        role: memberships.role,
        createdAt: memberships.createdAt,
      })
      .from(memberships)
      .innerJoin(groups, eq(groups.id, memberships.groupId))
      .where(and(equals(memberships.userId, 'userId'), gt(memberships.groupId, placeholder('after'))))
      .orderBy(asc(memberships.groupId))
      .limit(limitPlaceholder),
  );
  const insert = write(
    build
      .insert(memberships)
      .values({ ...placeholdersFor('groupId', 'userId', 'role'), createdAt: placeholder('now') }),
    1,
  );
  const update = write(
    build
      .update(memberships)
      .set({ role: typedPlaceholder('role', memberships.role) })
      .where(and(ofUserInGroup, eq(memberships.role, placeholder('before')))),
    1,
  );
  const removal = write(
    build.delete(memberships).where(and(ofUserInGroup, eq(memberships.role, placeholder('before')))),
    1,
  );
  const rights = read(
    build
      .select({ id: groups.id, version: groups.version, permission: groupPermissions.permission })
      .from(memberships)
      .innerJoin(groups, eq(groups.id, memberships.groupId))
      .leftJoin(groupPermissions, eq(groupPermissions.groupId, memberships.groupId))
      .where(equals(memberships.userId, 'userId')),
  );
  // Of the actor's memberships, the one that manages the group, or one that carries the permission.
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

  return {
    /** @returns the user's role in the group, or undefined when they don't belong to it. */
    async role(groupId: string, userId: string) {
      return (await roleOf({ groupId, userId }))?.role;
    },
    /** @returns whether the user belongs to the group of that name. */
    async belongs(userId: string, name: string) {
      return (await roleByName({ userId, name })) !== undefined;
    },
    find: (groupId: string, userId: string) => one({ groupId, userId }),
    /**
     * Reads members for a user who may belong to the group, too, or not.
     * @returns at most `limit` of them whose ids follow `after`, in the order of their ids, and the role of that user, null
     * if they have none; undefined when there is no such group.
     */
    async page(groupId: string, userId: string, after: string, limit: number) {
      const found = await pageOfGroup({ groupId, userId, after, limit });
      return found && { members: found.list.sort(inOrderOfIds), roleOfUser: found.thing.roleOfUser };
    },
    /**
     * @returns at most `limit` of the user's groups whose ids follow `after`, in the order of their ids; undefined when there
     * is no such user.
     */
    async pageOfUser(userId: string, after: string, limit: number) {
      return (await pageOfUser({ userId, after, limit }))?.list.sort(inOrderOfIds);
    },
    /** @returns all groups of the user, with what they carry: a row for each permission, and one for a group without any. */
    rights: (userId: string) => rights({ userId }),
    /** Holds while the user manages the group, or holds the permission. */
    managesOrHolds: (userId: string, groupId: string, permission: string): Step =>
      managesOrHolds({ userId, groupId, permission }),
    /** Makes the user belong to the group. @throws {DuplicateError} from the list when they do already. */
    add: (membership: Membership, now: number): Step => insert({ ...membership, now }),
    /** Changes the user's role. It takes effect only while they have the role `before`. */
    change: (membership: Membership, before: Role): Step => update({ ...membership, before }),
    /** Takes effect only while the user has that role. */
    remove: (groupId: string, userId: string, before: Role): Step => removal({ groupId, userId, before }),
  };
}

interface Membership {
  groupId: string;
  userId: string;
  role: Role;
}
