/**
 * API tokens, with which programs authenticate. The row's key is the token's SHA-256, so a copy of the database does
 * not let anyone sign in.
 */
import { TARGET_NAME_LENGTH } from './audit.ts';
import type { ColumnTypes } from './column-types.ts';
import type { CoreTables } from './core.ts';

/** In characters: the audit trail keeps the name. The API's schema uses this limit, too. */
export const TOKEN_NAME_LENGTH = TARGET_NAME_LENGTH;

/** Expired tokens stay listed this long, so that their owners see why a program stopped. In milliseconds. */
export const keepExpired = 30 * 24 * 60 * 60 * 1000;

export const events = ['token-created', 'token-ended', 'tokens-ended'] as const;

export const define = (t: ColumnTypes, { users }: CoreTables) =>
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
      /** Absent for a token of an earlier version that does not expire. */
      expiresAt: t.instant(),
      lastUsedAt: t.instant(),
    },
    (tokens) => [
      t.uniqueIndex('tokens_id').on(tokens.id),
      t.index('tokens_user').on(tokens.userId, tokens.id),
      t.index('tokens_expires').on(tokens.expiresAt),
    ],
  );
