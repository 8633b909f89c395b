/** How API tokens appear in the API. */
import type { Static } from 'typebox';
import { Type } from 'typebox';
import type { TokenRow } from '../db/queries/tokens.ts';
import { TOKEN_NAME_LENGTH } from '../db/schema/tokens.ts';
import { Body, Id, Instant, Nullable, SingleLineText } from './common.ts';
import { Permissions } from './groups.ts';
import { instant } from './instant.ts';

export const TokenName = SingleLineText({ minLength: 1, maxLength: TOKEN_NAME_LENGTH });

/** @param longest how long a token may live, in seconds. @returns the schema of a token's life, in seconds from now. */
export const tokenLife = (longest: number) =>
  Type.Integer({ minimum: 60, maximum: longest, default: longest });

/** @param longest how long a token may live, in seconds: without a wish, it lives as long. */
export const newToken = (longest: number) =>
  Body(
    {
      name: TokenName,
      /** The permissions that it may use; without any it may read what every signed-in user may. */
      scopes: Type.Optional(Permissions),
      expiresIn: tokenLife(longest),
    },
    {
      examples: [
        { name: 'nightly import', scopes: ['users:write'], expiresIn: Math.min(7_776_000, longest) },
      ],
    },
  );

export const Token = Type.Object({
  id: Id,
  name: Type.String(),
  scopes: Type.Array(Type.String()),
  createdAt: Instant,
  expiresAt: Nullable(Instant),
  lastUsedAt: Nullable(Instant),
});

/** The answer that makes a token, the only one that shows the secret. */
export const CreatedToken = Type.Object({
  ...Token.properties,
  /** To be sent as Authorization: Bearer. It can't be shown again. */
  secret: Type.String(),
});

/** @returns the row as the API shows it. */
export function tokenJson(row: TokenRow): Static<typeof Token> {
  return {
    id: row.id,
    name: row.name,
    scopes: row.scopes,
    createdAt: instant(row.createdAt),
    expiresAt: row.expiresAt === null ? null : instant(row.expiresAt),
    lastUsedAt: row.lastUsedAt === null ? null : instant(row.lastUsedAt),
  };
}
