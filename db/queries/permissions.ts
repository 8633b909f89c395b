/** Queries for permissions, which users have through their groups. */
import type { SQL } from 'drizzle-orm';
import type { AnySQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { and, eq, inArray, isNotNull, sql } from '../drizzle.ts';
import type { Engine, Step } from '../engines/engine.ts';
import { equals } from '../schema/column-types.ts';
import { numbered, placeholders, preparedByCount } from './lists.ts';

/** The permission that implies every other one. */
export const EVERYTHING = '*';

const ADMINISTRATORS = 'administrators';

/** A table of credentials, such as sessions. */
type Credentials = SQLiteTable & Record<'key' | 'userId', AnySQLiteColumn>;

/** Selects the permissions of the user to whom the credential of that `key` belongs. */
export function permissionsBehind(
  { build, tables: { groupPermissions, memberships } }: Engine,
  credentials: Credentials,
) {
  return build
    .select({ permission: groupPermissions.permission })
    .from(credentials)
    .innerJoin(memberships, eq(memberships.userId, credentials.userId))
    .innerJoin(groupPermissions, eq(groupPermissions.groupId, memberships.groupId))
    .where(equals(credentials.key, 'key'));
}

export function withPermissions<Owned>(owned: Owned, rows: { permission: string }[]) {
  return { ...owned, permissions: sortPermissions(rows) };
}

/** @returns the permissions in order, each once: a sort in SQL would cost each request more. */
function sortPermissions(rows: { permission: string }[]): readonly string[] {
  return [...new Set(rows.map(({ permission }) => permission))].sort();
}

export function permissionQueries(engine: Engine) {
  const { build, condition, read, write } = engine;
  const { groupPermissions, guards, memberships } = engine.tables;

  const ofUser = read(
    build
      .select({ permission: groupPermissions.permission })
      .from(memberships)
      .innerJoin(groupPermissions, eq(groupPermissions.groupId, memberships.groupId))
      .where(equals(memberships.userId, 'userId')),
  );
  const holdsAll = preparedByCount((count) =>
    condition(selectHeld(engine, equals(memberships.userId, 'userId'), count), 'some'),
  );

  const guard = eq(guards.name, ADMINISTRATORS);
  const administrator = administratorExists(engine);
  const newGuard = { version: sql`${guards.version} + 1`, held: administrator };
  const lockAdministrators = write(build.update(guards).set(newGuard).where(guard), 1);
  const administratorRemains = condition(
    build
      .select({ one: sql`1` })
      .from(guards)
      .where(and(guard, sql`(not ${guards.held} or ${administrator})`)),
    'some',
  );

  return {
    ofUser: async (userId: string) => sortPermissions(await ofUser({ userId })),
    /** Requires that the user has all of the permissions, of which there must be at least one. */
    holds(userId: string, permissions: readonly string[]): Step {
      const required = concise(permissions);
      return holdsAll(required.length)({ userId, ...numbered('permission', required) });
    },
    /** Must be the first step where a user may lose every permission. It stores whether any administrator exists. */
    lockAdministrators: (): Step => lockAdministrators({}),
    /** Must be the last step there. It requires that an administrator remains who can sign in, if there was one. */
    administratorRemains: (): Step => administratorRemains({}),
  };
}

/** @returns the permissions, each once; only `*` if it is among them, since it implies the others. */
export function concise(permissions: readonly string[]): string[] {
  return permissions.includes(EVERYTHING) ? [EVERYTHING] : [...new Set(permissions)];
}

/**
 * @param ofUser the condition by which the memberships are those of one user.
 * @param count how many permissions are bound as permission0, permission1 and so on.
 * @returns a query that finds a row if the user has all of them.
 */
export function selectHeld(
  { build, tables: { groupPermissions, memberships } }: Engine,
  ofUser: SQL,
  count: number,
) {
  const { permission } = groupPermissions;
  const distinct = sql`count(distinct ${permission})`;
  return build
    .select({ held: distinct })
    .from(memberships)
    .innerJoin(groupPermissions, eq(groupPermissions.groupId, memberships.groupId))
    .where(and(ofUser, inArray(permission, [...placeholders('permission', count), EVERYTHING])))
    .having(sql`${distinct} = ${count} or max(${permission} = ${EVERYTHING}) = 1`);
}

/** @returns the SQL expression whether any user who can sign in has all permissions (*). */
function administratorExists({ build, tables: { groupPermissions, memberships, users } }: Engine) {
  return sql`exists ${build
    .select({ one: sql`1` })
    .from(groupPermissions)
    .innerJoin(memberships, eq(memberships.groupId, groupPermissions.groupId))
    .innerJoin(users, eq(users.id, memberships.userId))
    .where(
      and(eq(groupPermissions.permission, EVERYTHING), eq(users.active, true), isNotNull(users.passwordHash)),
    )}`;
}
