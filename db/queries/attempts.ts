/** Counts attempts in the database, so that all workers and hosts count together. */
import { and, eq, gt, inArray, lt, lte, sql } from '../drizzle.ts';
import type { Engine } from '../engines/engine.ts';
import {
  equals,
  pickColumns,
  placeholder,
  placeholdersFor,
  typedPlaceholder,
} from '../schema/column-types.ts';
import { numbered, placeholders, preparedByCount } from './lists.ts';

/** A count that has not expired. */
export type AttemptsRow = Awaited<ReturnType<ReturnType<typeof attemptQueries>['find']>>[number];

interface NewCount {
  key: string;
  expiresAt: number;
  /** Until when further attempts are refused, where each one makes the wait longer. */
  blockedUntil: number | null;
}

export function attemptQueries({ build, read, write, tables: { attempts } }: Engine) {
  const isAlive = gt(attempts.expiresAt, placeholder('now'));
  const ofKey = equals(attempts.key, 'key');
  const columns = pickColumns(attempts, 'key', 'failures', 'blockedUntil', 'expiresAt');
  const byKeys = preparedByCount((count) =>
    read(
      build
        .select(columns)
        .from(attempts)
        .where(and(inArray(attempts.key, placeholders('key', count)), isAlive)),
    ),
  );
  const insert = write(
    build.insert(attempts).values(placeholdersFor(attempts, 'key', 'failures', 'expiresAt', 'blockedUntil')),
    1,
  );
  const expiresAt = typedPlaceholder('expiresAt', attempts.expiresAt);
  const blockedUntil = typedPlaceholder('blockedUntil', attempts.blockedUntil);
  const oneMore = { failures: sql`${attempts.failures} + 1` };
  const change = (values: object, ...conditions: Parameters<typeof and>) =>
    write(
      build
        .update(attempts)
        .set(values)
        .where(and(ofKey, ...conditions)),
      1,
    );
  // The limit is a condition of the write, so that no more concurrent attempts than that update the row.
  const increment = change(oneMore, isAlive, lt(attempts.failures, placeholder('limit')));
  const exceed = change(oneMore, isAlive, eq(attempts.failures, placeholder('limit')));
  // How long one waits follows from the count, so it must be the one that was read.
  const asRead = eq(attempts.failures, placeholder('before'));
  const prolong = change({ ...oneMore, expiresAt, blockedUntil }, isAlive, asRead);
  const restart = change(
    { failures: sql`1`, expiresAt, blockedUntil },
    lte(attempts.expiresAt, placeholder('now')),
  );
  const cap = change({ expiresAt }, gt(attempts.expiresAt, placeholder('expiresAt')));
  const capBlock = change({ blockedUntil }, gt(attempts.blockedUntil, placeholder('blockedUntil')));
  const removal = write(build.delete(attempts).where(ofKey), 'any');

  return {
    /** @returns the counts of these keys that have not expired, in any order. */
    find: (keys: string[], now: number) => byKeys(keys.length)({ ...numbered('key', keys), now }),
    /** Of `increment`, `restart` and `begin`, one writes a row while the count is below the limit. */
    increment: (key: string, now: number, limit: number) => increment({ key, now, limit }),
    restart: (count: NewCount, now: number) => restart({ ...count, now }),
    begin: (count: NewCount) => insert({ ...count, failures: 1 }),
    /** Counts one more than `before`, and lets the count expire later. */
    prolong: (count: NewCount, before: number, now: number) => prolong({ ...count, before, now }),
    /** Counts only the first attempt beyond the limit. */
    exceed: (key: string, now: number, limit: number) => exceed({ key, now, limit }),
    /** Lets the count expire by then at the latest. */
    cap: (key: string, expiresAt: number) => cap({ key, expiresAt }),
    /** Lets the wait end by then at the latest. */
    capBlock: (key: string, blockedUntil: number) => capBlock({ key, blockedUntil }),
    forget: (key: string) => removal({ key }),
  };
}
