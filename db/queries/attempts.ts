/** Counts wrong passwords in the database, so that all workers count together. */
import { and, eq, gt, lt, lte, sql } from '../drizzle.ts';
import type { Engine } from '../engines/engine.ts';
import { equals, placeholder, placeholdersFor, typedPlaceholder } from '../schema/column-types.ts';

export function attemptQueries({ build, readOne, write, tables: { attempts } }: Engine) {
  const ofKey = equals(attempts.key, 'key');
  const alive = and(ofKey, gt(attempts.expiresAt, placeholder('now')));
  const byKey = readOne(
    build.select({ failures: attempts.failures, expiresAt: attempts.expiresAt }).from(attempts).where(alive),
  );
  const row = placeholdersFor(attempts, 'key', 'failures', 'expiresAt');
  const insert = write(build.insert(attempts).values(row), 1);
  const addFailure = () => build.update(attempts).set({ failures: sql`${attempts.failures} + 1` });
  // The limit is a condition of the write, so that no more concurrent attempts than that update the row.
  const increment = write(addFailure().where(and(alive, lt(attempts.failures, placeholder('limit')))), 1);
  const exceed = write(addFailure().where(and(alive, eq(attempts.failures, placeholder('limit')))), 1);
  const expiresAt = typedPlaceholder('expiresAt', attempts.expiresAt);
  const restart = write(
    build
      .update(attempts)
      .set({ failures: sql`1`, expiresAt })
      .where(and(ofKey, lte(attempts.expiresAt, placeholder('now')))),
    1,
  );
  const isLater = gt(attempts.expiresAt, placeholder('expiresAt'));
  const cap = write(build.update(attempts).set({ expiresAt }).where(and(ofKey, isLater)), 'any');
  const removal = write(build.delete(attempts).where(ofKey), 'any');

  return {
    /** @returns the count of that key unless it has expired. */
    find: (key: string, now: number) => byKey({ key, now }),
    /** Of `increment`, `restart` and `begin`, one writes a row while the count is below the limit. */
    increment: (key: string, now: number, limit: number) => increment({ key, now, limit }),
    restart: (key: string, now: number, expiresAt: number) => restart({ key, now, expiresAt }),
    begin: (key: string, expiresAt: number) => insert({ key, failures: 1, expiresAt }),
    /** Counts only the first attempt beyond the limit. */
    exceed: (key: string, now: number, limit: number) => exceed({ key, now, limit }),
    /** Lets the count expire by then at the latest. */
    cap: (key: string, expiresAt: number) => cap({ key, expiresAt }),
    forget: (key: string) => removal({ key }),
  };
}
