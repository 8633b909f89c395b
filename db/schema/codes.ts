/**
 * One-time codes, with which users set a password without knowing the old one. The row's key is the code's SHA-256.
 * Using a code deletes its row.
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
      /** Absent when the operator issued the code. The code works only while its issuer may still issue it. */
      issuerId: t.ref(),
      /** The API token, or other delegated credential, by which the issuer acted, if any. */
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
