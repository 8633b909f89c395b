/**
 * API tokens, for tests of other things that need one. They are a part that can be left out, so nothing of theirs is imported here:
 * such tests ask `hasTokens`, and without tokens nothing is added and nothing found.
 */
import { existsSync } from 'node:fs';
import { keyOf, makeSecret } from '../../accounts/secrets.ts';
import type { Database } from '../../db/database.ts';
import type { Engine, Step } from '../../db/engines/engine.ts';
import { makeId } from '../../db/ids.ts';
import { placeholder } from '../../db/schema/column-types.ts';

export const hasTokens = existsSync(new URL('../../accounts/tokens.ts', import.meta.url));

/** @returns whether the path, or the request line, is of a blueprint that is there. */
export const isThere = (path: string) => hasTokens || !path.includes('/api/tokens');

/** @returns the rows of the table whose requests can be sent. */
export function sendable<Row extends { send: string; by?: string }>(rows: Row[]): Row[] {
  return rows.filter(({ send, by = '' }) => isThere(send) && (hasTokens || !by.startsWith('token')));
}

/** @returns the cases that need no token, by their names, or all of them. */
export function possible<Case>(cases: Record<string, Case>): Record<string, Case> {
  return Object.fromEntries(Object.entries(cases).filter(([name]) => hasTokens || !/\btoken\b/.test(name)));
}

/** @returns the fields of a token that does not expire, and its secret. */
export function newToken(userId: string, scopes: string[]) {
  const secret = makeSecret('rc_');
  return { secret, key: keyOf(secret), id: makeId(), userId, name: 'test', scopes, expiresAt: null };
}

type NewToken = Omit<ReturnType<typeof newToken>, 'secret' | 'expiresAt'> & { expiresAt: number | null };

const COLUMNS = ['key', 'id', 'userId', 'name', 'scopes', 'createdAt', 'expiresAt', 'lastUsedAt'];

function tokenRows({ write }: Engine) {
  const inSql = (name: string) => `\`${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}\``;
  const statement = {
    sql: `INSERT INTO tokens (${COLUMNS.map(inSql).join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})`,
    params: COLUMNS.map(placeholder),
  };
  return { insert: write({ toSQL: () => statement }, 1) };
}

/** @returns the step that adds a token, if there are any. Without a time of use its first use writes one. */
export function addToken(
  db: Database,
  token: NewToken,
  createdAt: number,
  lastUsedAt: number | null = null,
): Step[] {
  const scopes = JSON.stringify(token.scopes);
  return hasTokens ? [db.queries(tokenRows).insert({ ...token, scopes, createdAt, lastUsedAt })] : [];
}

/** @returns the tokens of all users. */
export async function readTokens({ query }: Engine) {
  if (!hasTokens) return [];
  const rows = await query('SELECT id, user_id, scopes FROM tokens');
  return rows.map(({ id, user_id: userId, scopes }) => {
    const list: string[] = JSON.parse(typeof scopes === 'string' ? scopes : JSON.stringify(scopes));
    return { id: String(id), userId: String(userId), scopes: list };
  });
}
