/**
 * One-time codes, with which users set a password without knowing the old one. The row's key is the code's SHA-256; a
 * code that was used has no row any more.
 */
import type { ColumnTypes } from './column-types.ts';
import type { UsersTable } from './users.ts';

export const defineCodes = (t: ColumnTypes, users: UsersTable) =>
  t.table(
    'codes',
    {
      key: t.digest().primaryKey(),
      userId: t
        .ref()
        .notNull()
        .references(() => users.id, { onDelete: 'cascade' }),
      /** The user who issued it, absent for the operator's. It works while they may still issue it. */
      issuerId: t.ref(),
      /** The token by which they issued it, if it was one. */
      issuerTokenId: t.ref(),
      createdAt: t.instant().notNull(),
      expiresAt: t.instant().notNull(),
    },
    (codes) => [
      t.index('codes_user').on(codes.userId),
      t.index('codes_issuer').on(codes.issuerId),
      t.index('codes_expires').on(codes.expiresAt),
    ],
  );
