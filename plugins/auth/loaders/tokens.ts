/** API tokens: a request loader that finds a user by `Authorization: Bearer` (RFC 6750, section 2.1). */
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { isSecret, keyOf } from '../../../accounts/secrets.ts';
import { countBadToken, endUsedToken, findToken } from '../../../accounts/tokens.ts';
import { memoize } from '../memoize.ts';

const BEARER = /^Bearer +(\S+) *$/i;
/** What is meant to be one of our tokens, well formed or not. */
const OURS = /^Bearer +rc_/i;

export default fp(
  async (app) => {
    // Remembers only what the token is called: the database is asked for it each time.
    const keyIn = memoize((authorization: string) => {
      const secret = BEARER.exec(authorization)?.[1] ?? '';
      return isSecret('rc_', secret) ? keyOf(secret) : undefined;
    });

    const keyOfRequest = ({ headers: { authorization } }: FastifyRequest) =>
      authorization === undefined ? undefined : keyIn(authorization);

    /** A token may end itself, whatever its scopes: who finds a leaked one can make it harmless. */
    async function signOut(request: FastifyRequest) {
      const key = keyOfRequest(request);
      if (key !== undefined) await endUsedToken(app.db, request.actor(), key);
    }

    const find = (request: FastifyRequest) => {
      const key = keyOfRequest(request);
      return key !== undefined || OURS.test(request.headers.authorization ?? '')
        ? load(key, request)
        : undefined;
    };
    const bearer = {
      description: 'An API token: POST /api/tokens makes one.',
      refusal:
        'The API token is mistyped, or it has ended or expired, or its owner was disabled. Make another: POST /api/tokens.',
    };
    app.addRequestLoader('token', find, { signOut, bearer });

    async function load(key: string | undefined, request: FastifyRequest) {
      const token = key === undefined ? undefined : await findToken(app.db, key, request.log);
      if (!token) {
        await countBadToken(app.db, request.actor());
        return undefined;
      }
      const { id, scopes, userId, username, active, permissions } = token;
      return { id: userId, username, active, permissions, credential: { id, scopes } };
    }
  },
  { name: 'tokens', dependencies: ['authenticate', 'database'] },
);
