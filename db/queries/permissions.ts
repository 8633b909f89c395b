/** Queries for permissions: what users hold through the groups that they belong to. */
import { and, eq, inArray, isNotNull, sql } from '../drizzle.ts';
import type { Engine, Step, Tables } from '../engines/engine.ts';
import { equals } from '../schema/column-types.ts';
import { numbered, placeholders, preparedByCount } from './lists.ts';

/** The permission that implies every other one. */
export const EVERYTHING = '*';

const ADMINISTRATORS = 'administrators';

/** @returns a query of what the user holds to whom the session or token of that `key` belongs. */
export function permissionsBehind(
  { build, tables: { groupPermissions, memberships } }: Engine,
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
export function withPermissions<Thing>(thing: Thing, rows: { permission: string }[]) {
  return { ...thing, permissions: sortPermissions(rows) };
}

function sortPermissions(rows: { permission: string }[]): readonly string[] {
  return rows.map(({ permission }) => permission).sort();
}

export function permissionQueries({ build, condition, read, write, tables }: Engine) {
  const { groupPermissions, guards, memberships, users } = tables;
  const one = { one: sql`1` };

  const ofUser = read(
    build
      .selectDistinct({ permission: groupPermissions.permission })
      .from(memberships)
      .innerJoin(groupPermissions, eq(groupPermissions.groupId, memberships.groupId))
      .where(equals(memberships.userId, 'userId')),
  );
  const holdsSoMany = preparedByCount((count) =>
    condition(
      build
        .select({ held: sql`count(distinct ${groupPermissions.permission})` })
        .from(memberships)
        .innerJoin(groupPermissions, eq(groupPermissions.groupId, memberships.groupId))
        .where(
          and(
            equals(memberships.userId, 'userId'),
            inArray(groupPermissions.permission, [...placeholders('permission', count), EVERYTHING]),
          ),
        )
        .having(
          sql`count(distinct ${groupPermissions.permission}) = ${count} or max(${groupPermissions.permission} = ${EVERYTHING}) = 1`,
        ),
      'some',
    ),
  );

  const administrator = sql`exists ${build
    .select(one)
    .from(groupPermissions)
    .innerJoin(memberships, eq(memberships.groupId, groupPermissions.groupId))
    .innerJoin(users, eq(users.id, memberships.userId))
    .where(
      and(eq(groupPermissions.permission, EVERYTHING), eq(users.active, true), isNotNull(users.passwordHash)),
    )}`;
  const guardAdministrators = write(
    build
      .update(guards)
      .set({ version: sql`${guards.version} + 1`, held: sql`${administrator}` })
      .where(eq(guards.name, ADMINISTRATORS)),
    1,
  );
  const administratorRemains = condition(
    build
      .select(one)
      .from(guards)
      .where(and(eq(guards.name, ADMINISTRATORS), sql`(not ${guards.held} or ${administrator})`)),
    'some',
  );

  return {
    /** @returns the permissions that the user holds, in order. */
    async ofUser(userId: string) {
      return sortPermissions(await ofUser({ userId }));
    },
    /** Holds while the user holds all of the permissions, of which there is at least one. */
    holds(userId: string, permissions: readonly string[]): Step {
      const asked = permissions.includes(EVERYTHING) ? [EVERYTHING] : [...new Set(permissions)];
      return holdsSoMany(asked.length)({ userId, ...numbered('permission', asked) });
    },
    /** Must come first in a list that can take every permission from a user; notes whether anybody held it. */
    guardAdministrators: (): Step => guardAdministrators({}),
    /** Must come last in such a list: holds while a user who can sign in holds every permission, or nobody did before. */
    administratorRemains: (): Step => administratorRemains({}),
  };
}
