/** What is asked of attempts to sign in: counting them. */
import { and, eq, gt, lt, sql } from '../drizzle.ts';
import type { Engine } from '../engines/engine.ts';
import { equals, placeholder, placeholdersFor, typedPlaceholder } from '../schema/column-types.ts';

export function attemptQueries({ build, readOne, write, tables: { attempts } }: Engine) {
  const byKey = readOne(
    build
      .select({ failures: attempts.failures, expiresAt: attempts.expiresAt })
      .from(attempts)
      .where(and(equals(attempts.key, 'key'), gt(attempts.expiresAt, placeholder('now')))),
  );
  const insert = write(build.insert(attempts).values(placeholdersFor('key', 'failures', 'expiresAt')), 1);
  const living = and(equals(attempts.key, 'key'), gt(attempts.expiresAt, placeholder('now')));
  const oneMore = () => build.update(attempts).set({ failures: sql`${attempts.failures} + 1` });
  // With the limit as a condition: of many at once so many touch the row, and one is the first that comes too late.
  const increment = write(oneMore().where(and(living, lt(attempts.failures, placeholder('limit')))), 1);
  const exceed = write(oneMore().where(and(living, eq(attempts.failures, placeholder('limit')))), 1);
  // A count that is over begins anew, in one write, whoever comes first.
  const restart = write(
    build
      .update(attempts)
      .set({ failures: sql`1`, expiresAt: typedPlaceholder('expiresAt', attempts.expiresAt) })
      .where(and(equals(attempts.key, 'key'), sql`${attempts.expiresAt} <= ${placeholder('now')}`)),
    1,
  );
  const removal = write(build.delete(attempts).where(equals(attempts.key, 'key')), 'any');

  return {
    /** @returns the count of that key while it is not over. */
    find: (key: string, now: number) => byKey({ key, now }),
    /** Three ways to count one more: one of them touches a row, unless there were as many as the limit. */
    increment: (key: string, now: number, limit: number) => increment({ key, now, limit }),
    restart: (key: string, now: number, expiresAt: number) => restart({ key, now, expiresAt }),
    begin: (key: string, expiresAt: number) => insert({ key, failures: 1, expiresAt }),
    /** Counts the first one beyond the limit; touches no row for those that come after it. */
    exceed: (key: string, now: number, limit: number) => exceed({ key, now, limit }),
    forget: (key: string) => removal({ key }),
  };
}
