/** API tokens: a request loader that finds a user by `Authorization: Bearer` (RFC 6750, section 2.1). */
import type { FastifyBaseLogger } from 'fastify';
import fp from 'fastify-plugin';
import { isSecret, keyOf } from '../../accounts/secrets.ts';
import { findToken } from '../../accounts/tokens.ts';
import { memoize } from './memoize.ts';

const BEARER = /^Bearer +(\S+) *$/i;

export default fp(
  async (app) => {
    // Remembers only what the token is called: the database is asked for it each time.
    const keyIn = memoize((authorization: string) => {
      const secret = BEARER.exec(authorization)?.[1] ?? '';
      return isSecret('rc_', secret) ? keyOf(secret) : undefined;
    });

    app.addRequestLoader('token', ({ headers: { authorization }, log }) => {
      const key = authorization === undefined ? undefined : keyIn(authorization);
      return key === undefined ? undefined : load(key, log);
    });

    async function load(key: string, log: FastifyBaseLogger) {
      const token = await findToken(app.db, key, log);
      if (!token) return undefined;
      const { id, scopes, userId, username, active, permissions } = token;
      return { id: userId, username, active, permissions, token: { id, scopes } };
    }
  },
  { name: 'tokens', dependencies: ['authenticate', 'database'] },
);
