/**
 * One-time codes, with which users set a password without knowing the old one. The row's key is the code's SHA-256; a
 * code that was used has no row any more.
 */
import type { Vocabulary } from '../vocabulary.ts';
import type { UsersTable } from './users.ts';

export const defineCodes = (v: Vocabulary, users: UsersTable) =>
  v.table(
    'codes',
    {
      key: v.digest().primaryKey(),
      userId: v
        .ref()
        .notNull()
        .references(() => users.id, { onDelete: 'cascade' }),
      /** The user or the token that issued it; absent when it was the operator. */
      issuerId: v.ref(),
      createdAt: v.instant().notNull(),
      expiresAt: v.instant().notNull(),
    },
    (codes) => [
      v.index('codes_user').on(codes.userId),
      // Whoever is disabled or removed leaves no codes behind that they issued.
      v.index('codes_issuer').on(codes.issuerId),
      v.index('codes_expires').on(codes.expiresAt),
    ],
  );
