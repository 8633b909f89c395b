/**
 * A login for development: ?hack=1 authenticates as the user that AUTH_HACK_USER names. It exists only with that setting, which
 * is refused in production.
 */
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';

export default fp<{ username: string }>(
  async (app, { username }) => {
    app.log.warn({ username }, 'AUTH_HACK_USER is set: ?hack=1 authenticates as this user');
    const load = async ({ query }: FastifyRequest) => {
      const isSent = typeof query === 'object' && query !== null && 'hack' in query && query.hack === '1';
      return isSent ? app.db.users.findCredentials(username) : undefined;
    };
    app.addRequestLoader('hack', load, { parameters: ['hack'] });
  },
  { name: 'hack', dependencies: ['authenticate', 'database'] },
);
