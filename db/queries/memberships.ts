/** What is asked of who belongs to which group. */
import { and, asc, eq, gt, notExists, sql } from '../drizzle.ts';
import type { Engine, Write } from '../engine.ts';
import { inOrderOfIds } from '../ids.ts';
import { given, givenAs } from '../vocabulary.ts';

export type Role = 'member' | 'manager';
export type MemberRow = NonNullable<Awaited<ReturnType<ReturnType<typeof membershipQueries>['find']>>>;

export type UserGroupRow = NonNullable<
  Awaited<ReturnType<ReturnType<typeof membershipQueries>['pageOfUser']>>
>[number];

export function membershipQueries({ build, equals, givenLimit, readOne, readWith, write, tables }: Engine) {
  const { groups, memberships, users } = tables;
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
      .where(and(equals(memberships.groupId, 'groupId'), gt(memberships.userId, given('after'))))
      .orderBy(asc(memberships.userId))
      .limit(givenLimit),
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
      .where(and(equals(memberships.userId, 'userId'), gt(memberships.groupId, given('after'))))
      .orderBy(asc(memberships.groupId))
      .limit(givenLimit),
  );
  // From the two tables, so that a group or a user that is gone gives no row instead of a broken reference.
  const joining = () =>
    build
      .select({
        groupId: groups.id,
        userId: users.id,
        role: givenAs('role', memberships.role).as('role'),
        createdAt: givenAs('now', memberships.createdAt).as('created_at'),
      })
      .from(groups)
      .innerJoin(users, equals(users.id, 'userId'));
  const insertIfAbsent = write(
    build
      .insert(memberships)
      .select(
        joining().where(
          and(
            equals(groups.id, 'groupId'),
            notExists(build.select({ one: sql`1` }).from(memberships).where(ofUserInGroup)),
          ),
        ),
      ),
    'any',
  );
  const update = write(
    build
      .update(memberships)
      .set({ role: givenAs('role', memberships.role) })
      .where(ofUserInGroup),
    1,
  );
  const insertNew = write(build.insert(memberships).select(joining().where(equals(groups.id, 'groupId'))), 1);
  const updateFrom = write(
    build
      .update(memberships)
      .set({ role: givenAs('role', memberships.role) })
      .where(and(ofUserInGroup, eq(memberships.role, given('before')))),
    1,
  );
  const removal = write(build.delete(memberships).where(ofUserInGroup), 1);

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
    /** Writes that make the user belong to the group in that role, whether they did before or not. */
    put(membership: { groupId: string; userId: string; role: Role }, now: number): Write[] {
      return [insertIfAbsent({ ...membership, now }), update({ ...membership })];
    },
    /**
     * A write that makes the user belong to the group in that role, and only takes effect while they have the role before
     * (undefined: they don't belong to it; then it may throw DuplicateError).
     */
    change(
      membership: { groupId: string; userId: string; role: Role },
      before: string | undefined,
      now: number,
    ) {
      return before === undefined ? insertNew({ ...membership, now }) : updateFrom({ ...membership, before });
    },
    remove(groupId: string, userId: string) {
      return removal({ groupId, userId });
    },
  };
}
