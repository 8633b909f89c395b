/** What is asked of permissions: who holds which, through the groups that they belong to. */
import { and, eq, exists, sql } from '../drizzle.ts';
import type { Engine, Tables } from '../engine.ts';

/** The permission that implies every other one. */
export const EVERYTHING = '*';

/** @returns a query of what the user holds to whom the session or token of that `key` belongs. */
export function permissionsBehind(
  { build, equals, tables: { groupPermissions, memberships } }: Engine,
  credentials: Tables['sessions'] | Tables['tokens'],
) {
  return build
    .selectDistinct({ permission: groupPermissions.permission })
    .from(credentials)
    .innerJoin(memberships, eq(memberships.userId, credentials.userId))
    .innerJoin(groupPermissions, eq(groupPermissions.groupId, memberships.groupId))
    .where(equals(credentials.key, 'key'));
}

/** @returns the thing of a user who holds the permissions of the rows. */
export function holding<Thing>(thing: Thing, rows: { permission: string }[]) {
  return { ...thing, permissions: inOrder(rows) };
}

function inOrder(rows: { permission: string }[]): readonly string[] {
  return rows.map(({ permission }) => permission).sort();
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
      return inOrder(await ofUser({ userId }));
    },
    /** Put at the end of a list it undoes the list if no active user would hold every permission any more. */
    keepHolderOfEverything() {
      return countHolders({});
    },
  };
}
