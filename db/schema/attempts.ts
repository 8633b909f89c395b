/**
 * Attempts at passwords that have not been right so far, counted for each name and address, so that guessing is slowed
 * down whichever worker it reaches. The key is a digest: what was typed as a name may have been a password.
 */
import type { ColumnTypes } from './column-types.ts';

export const defineAttempts = (t: ColumnTypes) =>
  t.table(
    'attempts',
    {
      key: t.digest().primaryKey(),
      failures: t.integer().notNull(),
      /** When they are forgotten. */
      expiresAt: t.instant().notNull(),
    },
    (attempts) => [t.index('attempts_expires').on(attempts.expiresAt)],
  );
