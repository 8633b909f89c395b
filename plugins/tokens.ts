/**
 * API tokens: a request loader that recognises a user by `Authorization: Bearer` (RFC 6750, section 2.1). A token acts by
 * its scopes, as far as its owner holds them at that moment, and by nothing else: what users may do because it is their
 * own account, or because they manage a group, is not for tokens.
 */
import fp from 'fastify-plugin';
import type { OwnedTokenRow } from '../db/queries/tokens.ts';
import { memoize } from '../schemas/memoize.ts';
import { isSecret, keyOf } from '../schemas/secrets.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The scopes of the token that was sent; null when the caller acts with all that they hold. */
    scopes: readonly string[] | null;
    /** The id of that token. */
    tokenId: string | null;
  }
}

const BEARER = /^Bearer +(\S+) *$/i;
/** How often at most the use of a token is noted, in milliseconds. */
const TOUCH_INTERVAL = 5 * 60 * 1000;

export default fp(
  async (app) => {
    const { db } = app;
    app.decorateRequest('scopes', null);
    app.decorateRequest('tokenId', null);

    // Only what the token is called is remembered, for 1 of 22 µs; whether there is such a token is asked of the database each
    // time.
    const keyIn = memoize((authorization: string) => {
      const secret = BEARER.exec(authorization)?.[1] ?? '';
      return isSecret('rc_', secret) ? keyOf(secret) : undefined;
    });

    app.addRequestLoader('token', (request) => {
      const { authorization } = request.headers;
      const key = authorization === undefined ? undefined : keyIn(authorization);
      return key === undefined ? undefined : load(request, key);
    });

    async function load(request: Parameters<typeof app.requireSignedIn>[0], key: string) {
      const { find, findWithPermissions } = db.tokens;
      const token: (OwnedTokenRow & { permissions?: readonly string[] }) | undefined =
        await (request.asksPermissions ? findWithPermissions : find)(key);
      const now = Date.now();
      if (!token || (token.expiresAt !== null && token.expiresAt <= now)) return undefined;
      if (!token.active) return undefined;
      if (now - (token.lastUsedAt ?? 0) >= TOUCH_INTERVAL) {
        await app.noteInPassing(db.tokens.touch(key, now, now - TOUCH_INTERVAL + 1), request.log);
      }
      request.scopes = token.scopes;
      request.tokenId = token.id;
      const { userId: id, username, active, permissions } = token;
      return { id, username, active, permissions };
    }
  },
  { name: 'tokens', dependencies: ['auth', 'database', 'sessions'] },
);
