/**
 * Failed attempts, counted by name, by network and by both, so that every worker slows guessing down. The key is a digest,
 * because users sometimes type their password in place of their name.
 */
import type { ColumnTypes } from './column-types.ts';

export const defineAttempts = (t: ColumnTypes) =>
  t.table(
    'attempts',
    {
      key: t.digest().primaryKey(),
      failures: t.integer().notNull(),
      /** Until when further attempts are refused, where each failure makes the wait longer. */
      blockedUntil: t.instant(),
      expiresAt: t.instant().notNull(),
    },
    (attempts) => [t.index('attempts_expires').on(attempts.expiresAt)],
  );
