/**
 * Attempts at passwords that have not been right so far, counted for each name and address, so that guessing is slowed
 * down whichever worker it reaches. The key is a digest: what was typed as a name may have been a password.
 */
import type { Vocabulary } from '../vocabulary.ts';

export const defineAttempts = (v: Vocabulary) =>
  v.table(
    'attempts',
    {
      key: v.digest().primaryKey(),
      failures: v.integer().notNull(),
      /** When they are forgotten. */
      expiresAt: v.instant().notNull(),
    },
    (attempts) => [v.index('attempts_expires').on(attempts.expiresAt)],
  );
