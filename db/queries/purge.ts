/**
 * Finds and deletes expired rows. The search takes no locks, and each row is then deleted by its key: a DELETE with a
 * condition would make MySQL lock every row that it examines.
 */
import type { AnySQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { and, asc, lt } from '../drizzle.ts';
import type { Engine, Rows } from '../engines/engine.ts';
import { equals, limitPlaceholder, placeholder, unsafeCast } from '../schema/column-types.ts';
import type { Part } from '../schema/parts.ts';
import * as parts from '../schema/parts.ts';

/** A table whose rows expire. */
type Expiring = SQLiteTable & Record<'key' | 'expiresAt', AnySQLiteColumn>;

export function purgeQueries(engine: Engine) {
  const { build, read, write, tables } = engine;
  const { attempts, audit, codes, knownNetworks, sessions } = tables;
  const byName: Record<string, unknown> = tables;

  /**
   * Both columns are the table's: what a row is deleted by, and what tells when it expires. A session may have been used since the
   * search, so the condition applies again, and a row that is not there any more does not matter.
   */
  function purgeOf<Time>(
    table: SQLiteTable,
    key: AnySQLiteColumn,
    expiry: AnySQLiteColumn,
    rows: Rows = 'any',
  ) {
    const isExpired = lt(expiry, placeholder('before'));
    const expired = read(
      build.select({ key }).from(table).where(isExpired).orderBy(asc(expiry)).limit(limitPlaceholder),
    );
    const removal = write(build.delete(table).where(and(equals(key, 'key'), isExpired)), rows);
    return async (before: Time, limit: number) =>
      (await expired({ before, limit })).map((row) => removal({ ...row, before }));
  }
  const purgeExpired = (table: Expiring) => purgeOf<number>(table, table.key, table.expiresAt);
  const ofParts = Object.entries<Part>(parts).flatMap(([name, { keepExpired }]) => {
    if (keepExpired === undefined) return [];
    const purgePart = purgeExpired(unsafeCast<Expiring>(byName[name]));
    return [(now: number, limit: number) => purgePart(now - keepExpired, limit)];
  });

  return {
    /** Each returns steps that delete at most `limit` rows that have expired. */
    expired: [...[sessions, codes, attempts, knownNetworks].map(purgeExpired), ...ofParts],
    /** Returns steps that delete at most `limit` events with ids before that one, all of them or none. */
    audit: purgeOf<string>(audit, audit.id, audit.id, 1),
  };
}
