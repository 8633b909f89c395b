/**
 * API tokens: a request loader that recognises a user by `Authorization: Bearer` (RFC 6750, section 2.1). A token acts by
 * its scopes, as far as its owner holds them at that moment, and by nothing else: what users may do because it is their
 * own account, or because they manage a group, is not for tokens.
 */
import type { FastifyBaseLogger } from 'fastify';
import fp from 'fastify-plugin';
import type { OwnedTokenRow } from '../db/queries/tokens.ts';
import { memoize } from '../schemas/memoize.ts';
import { isSecret, keyOf } from '../schemas/secrets.ts';

const BEARER = /^Bearer +(\S+) *$/i;
/** How often at most the use of a token is noted, in milliseconds. */
const TOUCH_INTERVAL = 5 * 60 * 1000;

export default fp(
  async (app) => {
    const { db } = app;

    // Only what the token is called is remembered, for 1 of 22 µs; whether there is such a token is asked of the database each
    // time.
    const keyIn = memoize((authorization: string) => {
      const secret = BEARER.exec(authorization)?.[1] ?? '';
      return isSecret('rc_', secret) ? keyOf(secret) : undefined;
    });

    app.addRequestLoader('token', ({ headers: { authorization }, log }, withPermissions) => {
      const key = authorization === undefined ? undefined : keyIn(authorization);
      return key === undefined ? undefined : load(key, log, withPermissions);
    });

    async function load(key: string, log: FastifyBaseLogger, withPermissions: boolean) {
      const { find, findWithPermissions } = db.tokens;
      const row: (OwnedTokenRow & { permissions?: readonly string[] }) | undefined = await (withPermissions
        ? findWithPermissions
        : find)(key);
      const now = Date.now();
      if (!row || (row.expiresAt !== null && row.expiresAt <= now)) return undefined;
      if (!row.active) return undefined;
      if (now - (row.lastUsedAt ?? 0) >= TOUCH_INTERVAL) {
        await app.noteInPassing(db.tokens.touch(key, now, now - TOUCH_INTERVAL + 1), log);
      }
      const { id, scopes, userId, username, active, permissions = null } = row;
      return { id: userId, username, active, permissions, token: { id, scopes } };
    }
  },
  { name: 'tokens', dependencies: ['auth', 'database', 'sessions'] },
);
