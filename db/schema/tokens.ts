/**
 * API tokens, with which programs authenticate. The row's key is the token's SHA-256, so a copy of the database does
 * not let anyone sign in.
 */
import type { ColumnTypes } from './column-types.ts';
import type { UsersTable } from './users.ts';

/** In characters. The API's schema uses this limit, too. */
export const TOKEN_NAME_LENGTH = 100;

export const defineTokens = (t: ColumnTypes, users: UsersTable) =>
  t.table(
    'tokens',
    {
      key: t.digest().primaryKey(),
      /** The token's name in the API. It is no secret. */
      id: t.ref().notNull(),
      userId: t
        .ref()
        .notNull()
        .references(() => users.id, { onDelete: 'cascade' }),
      name: t.string(TOKEN_NAME_LENGTH).notNull(),
      /** The permissions that the token may use, if its owner holds them. */
      scopes: t.json<string[]>().notNull(),
      createdAt: t.instant().notNull(),
      /** Absent when the token does not expire. */
      expiresAt: t.instant(),
      lastUsedAt: t.instant(),
    },
    (tokens) => [
      t.uniqueIndex('tokens_id').on(tokens.id),
      t.index('tokens_user').on(tokens.userId, tokens.id),
      t.index('tokens_expires').on(tokens.expiresAt),
    ],
  );
