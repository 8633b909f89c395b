/**
 * API tokens: what programs show in place of a session. The row's key is the token's SHA-256, so a copy of the database
 * lets nobody in.
 */
import type { ColumnTypes } from './column-types.ts';
import type { UsersTable } from './users.ts';

/** The longest name, in characters. The API's schema takes it from here. */
export const TOKEN_NAME_LENGTH = 100;

export const defineTokens = (t: ColumnTypes, users: UsersTable) =>
  t.table(
    'tokens',
    {
      key: t.digest().primaryKey(),
      /** What the API calls the token: it can be shown, since it lets nobody in. */
      id: t.ref().notNull(),
      userId: t
        .ref()
        .notNull()
        .references(() => users.id, { onDelete: 'cascade' }),
      name: t.string(TOKEN_NAME_LENGTH).notNull(),
      /** The permissions that the token may use, as far as its owner holds them. */
      scopes: t.json<string[]>().notNull(),
      createdAt: t.instant().notNull(),
      /** Absent while it does not expire. */
      expiresAt: t.instant(),
      lastUsedAt: t.instant(),
    },
    (tokens) => [
      t.uniqueIndex('tokens_id').on(tokens.id),
      t.index('tokens_user').on(tokens.userId, tokens.id),
      t.index('tokens_expires').on(tokens.expiresAt),
    ],
  );
