/**
 * Finds and deletes expired rows. The search takes no locks, and each row is then deleted by its key: a DELETE with a
 * condition would make MySQL lock every row that it examines.
 */
import { and, asc, eq, lt } from '../drizzle.ts';
import type { Engine } from '../engines/engine.ts';
import { equals, limitPlaceholder, placeholder, unsafeCast } from '../schema/column-types.ts';
import type { Part } from '../schema/parts.ts';
import * as parts from '../schema/parts.ts';

export function purgeQueries(engine: Engine) {
  const { build, read, write, tables } = engine;
  const { attempts, audit, codes, sessions } = tables;
  const byName: Record<string, unknown> = tables;

  function purgeOf(table: typeof attempts | typeof codes | typeof sessions) {
    const isExpired = lt(table.expiresAt, placeholder('before'));
    const expired = read(
      build
        .select({ key: table.key })
        .from(table)
        .where(isExpired)
        .orderBy(asc(table.expiresAt))
        .limit(limitPlaceholder),
    );
    // A session may have been used since the search, so the condition applies again.
    const removal = write(build.delete(table).where(and(equals(table.key, 'key'), isExpired)), 'any');
    return async (before: number, limit: number) =>
      (await expired({ before, limit })).map(({ key }) => removal({ key, before }));
  }
  const ofParts = Object.entries<Part>(parts).flatMap(([name, { keepExpired }]) => {
    if (keepExpired === undefined) return [];
    const purgePart = purgeOf(unsafeCast<typeof codes>(byName[name]));
    return [(now: number, limit: number) => purgePart(now - keepExpired, limit)];
  });
  const expiredEvents = read(
    build
      .select({ id: audit.id })
      .from(audit)
      .where(lt(audit.id, placeholder('before')))
      .orderBy(asc(audit.id))
      .limit(limitPlaceholder),
  );
  const removeEvent = write(build.delete(audit).where(eq(audit.id, placeholder('id'))), 'any');

  return {
    /** Each returns steps that delete at most `limit` rows that have expired. */
    expired: [purgeOf(sessions), purgeOf(codes), purgeOf(attempts), ...ofParts],
    /** Returns steps that delete at most `limit` events with ids before that one. */
    audit: async (before: string, limit: number) =>
      (await expiredEvents({ before, limit })).map(({ id }) => removeEvent({ id })),
  };
}
