/**
 * Finds and deletes expired rows. The search takes no locks, and each row is then deleted by its key: a DELETE with a
 * condition would make MySQL lock every row that it examines.
 */
import { and, asc, eq, lt } from '../drizzle.ts';
import type { Engine } from '../engines/engine.ts';
import { equals, limitPlaceholder, placeholder } from '../schema/column-types.ts';

export function purgeQueries({ build, read, write, tables }: Engine) {
  const { attempts, audit, codes, sessions, tokens } = tables;

  function purgeOf(table: typeof attempts | typeof codes | typeof sessions | typeof tokens) {
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
  const expiredEvents = read(
    build
      .select({ id: audit.id })
      .from(audit)
      .where(lt(audit.id, placeholder('before')))
      .orderBy(asc(audit.id))
      .limit(limitPlaceholder),
  );
  const removeEvent = write(build.delete(audit).where(eq(audit.id, placeholder('id'))), 'any');

  // Each returns steps that delete at most `limit` rows that expired before that time (audit: before that id).
  return {
    sessions: purgeOf(sessions),
    codes: purgeOf(codes),
    attempts: purgeOf(attempts),
    tokens: purgeOf(tokens),
    audit: async (before: string, limit: number) =>
      (await expiredEvents({ before, limit })).map(({ id }) => removeEvent({ id })),
  };
}
