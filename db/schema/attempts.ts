/**
 * Failed sign-ins, counted by name and address, so that every worker slows guessing down. The key is a digest, because
 * users sometimes type their password in place of their name.
 */
import type { ColumnTypes } from './column-types.ts';

export const defineAttempts = (t: ColumnTypes) =>
  t.table(
    'attempts',
    {
      key: t.digest().primaryKey(),
      failures: t.integer().notNull(),
      expiresAt: t.instant().notNull(),
    },
    (attempts) => [t.index('attempts_expires').on(attempts.expiresAt)],
  );
