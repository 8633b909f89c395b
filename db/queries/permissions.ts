/** What is asked of permissions: who holds which, through the groups that they belong to. */
import { and, eq, exists, sql } from '../drizzle.ts';
import type { Engine, Tables } from '../engine.ts';

/** The permission that implies every other one. */
export const EVERYTHING = '*';

/**
 * What is joined to a query of one session or token, so that one statement tells who is asking and what they may do: on MySQL
 * a round trip less. Told apart in here, and not in the rows of that query, which are made into objects one by one.
 * @returns the permissions of the user to whom the session or token of that `key` belongs.
 */
export function permissionsBehind(
  { build, equals, tables: { groupPermissions, memberships } }: Engine,
  credentials: Tables['sessions'] | Tables['tokens'],
) {
  return build
    .selectDistinct({ permission: groupPermissions.permission })
    .from(credentials)
    .innerJoin(memberships, eq(memberships.userId, credentials.userId))
    .innerJoin(groupPermissions, eq(groupPermissions.groupId, memberships.groupId))
    .where(equals(credentials.key, 'key'))
    .as('held');
}

/**
 * @param rows one for each permission that a thing carries, or one without if it carries none.
 * @returns the things of the rows, in the order of their ids, each with its permissions in order.
 */
export function gathered<Row extends { id: string; permission: string | null }>(rows: Row[]) {
  return [...Map.groupBy(rows, ({ id }) => id).values()]
    .flatMap(([first, ...rest]) => {
      if (!first) return [];
      const { permission: _one, ...thing } = first;
      const permissions = [first, ...rest].flatMap(({ permission }) => permission ?? []);
      return [{ ...thing, permissions: permissions.sort() }];
    })
    .sort((one, other) => (one.id < other.id ? -1 : 1));
}

export function permissionQueries({ build, equals, read, readOne, write, tables }: Engine) {
  const { groupPermissions, memberships, users } = tables;

  const ofUser = read(
    build
      .selectDistinct({ permission: groupPermissions.permission })
      .from(memberships)
      .innerJoin(groupPermissions, eq(groupPermissions.groupId, memberships.groupId))
      .where(equals(memberships.userId, 'userId')),
  );
  // A write that changes nothing: it counts what is left after the writes before it in the list, and on MySQL locks
  // what it counted, so that two requests can't each remove the other's last holder.
  const countHolders = write(
    build
      .update(groupPermissions)
      .set({ permission: sql`${groupPermissions.permission}` })
      .where(
        and(
          eq(groupPermissions.permission, EVERYTHING),
          exists(
            build
              .select({ one: sql`1` })
              .from(memberships)
              .innerJoin(users, eq(users.id, memberships.userId))
              .where(and(eq(memberships.groupId, groupPermissions.groupId), eq(users.active, true))),
          ),
        ),
      ),
    'some',
  );

  const anyHolder = readOne(
    build
      .select({ userId: memberships.userId })
      .from(groupPermissions)
      .innerJoin(memberships, eq(memberships.groupId, groupPermissions.groupId))
      .innerJoin(users, eq(users.id, memberships.userId))
      .where(and(eq(groupPermissions.permission, EVERYTHING), eq(users.active, true)))
      .limit(1),
  );

  return {
    /** @returns whether any active user holds every permission. */
    async everythingIsHeld() {
      return (await anyHolder()) !== undefined;
    },
    async heldBy(userId: string) {
      return (await ofUser({ userId })).map(({ permission }) => permission).sort();
    },
    /** Put at the end of a list it undoes the list if no active user would hold every permission any more. */
    keepHolderOfEverything() {
      return countHolders({});
    },
  };
}
