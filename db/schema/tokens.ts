/**
 * API tokens: what programs show in place of a session. The row's key is the token's SHA-256, so a copy of the database
 * lets nobody in.
 */
import type { Vocabulary } from '../vocabulary.ts';
import type { UsersTable } from './users.ts';

export const defineTokens = (v: Vocabulary, users: UsersTable) =>
  v.table(
    'tokens',
    {
      key: v.digest().primaryKey(),
      /** What the API calls the token: it can be shown, since it lets nobody in. */
      id: v.ref().notNull(),
      userId: v
        .ref()
        .notNull()
        .references(() => users.id, { onDelete: 'cascade' }),
      name: v.string(100).notNull(),
      /** The permissions that the token may use, as far as its owner holds them. */
      scopes: v.json<string[]>().notNull(),
      createdAt: v.instant().notNull(),
      /** Absent while it does not expire. */
      expiresAt: v.instant(),
      lastUsedAt: v.instant(),
    },
    (tokens) => [
      v.uniqueIndex('tokens_id').on(tokens.id),
      v.index('tokens_user').on(tokens.userId, tokens.id),
      v.index('tokens_expires').on(tokens.expiresAt),
    ],
  );
