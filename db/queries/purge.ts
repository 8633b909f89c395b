/**
 * What is asked of what is over: sessions, codes, counts of attempts, tokens, and old entries of the audit trail. It is read
 * first, which waits for nobody's locks, and then removed row by row: a DELETE with a condition has MySQL lock what it
 * looks at, which may be every row.
 */
import { and, asc, eq, lt } from '../drizzle.ts';
import type { Engine } from '../engines/engine.ts';
import { equals, limitPlaceholder, placeholder } from '../schema/column-types.ts';

export function purgeQueries({ build, read, write, tables }: Engine) {
  const { attempts, audit, codes, sessions, tokens } = tables;
  type Kept = typeof attempts | typeof codes | typeof sessions | typeof tokens;

  function ofKind(table: Kept) {
    const over = lt(table.expiresAt, placeholder('before'));
    const due = read(
      build
        .select({ key: table.key })
        .from(table)
        .where(over)
        .orderBy(asc(table.expiresAt))
        .limit(limitPlaceholder),
    );
    // Only what is still over: a session may have been used since.
    const removal = write(build.delete(table).where(and(equals(table.key, 'key'), over)), 'any');
    return {
      due: async (before: number, limit: number) =>
        (await due({ before, limit })).map(({ key }) => removal({ key, before })),
    };
  }
  const dueEntries = read(
    build
      .select({ id: audit.id })
      .from(audit)
      .where(lt(audit.id, placeholder('before')))
      .orderBy(asc(audit.id))
      .limit(limitPlaceholder),
  );
  const removeEntry = write(build.delete(audit).where(eq(audit.id, placeholder('id'))), 'any');

  return {
    /** Each gives the writes that remove at most `limit` of what was over before that moment. */
    sessions: ofKind(sessions).due,
    codes: ofKind(codes).due,
    attempts: ofKind(attempts).due,
    tokens: ofKind(tokens).due,
    /** The same of entries whose ids come before that one. */
    audit: async (before: string, limit: number) =>
      (await dueEntries({ before, limit })).map(({ id }) => removeEntry({ id })),
  };
}
