/**
 * A login for development: ?hack=1 authenticates as the user that AUTH_HACK_USER names. It exists only with that setting, which
 * only development and tests on this machine may have (config/unsafe.ts). Who comes by it is never fresh.
 */
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';

export default fp<{ username: string }>(
  async (app, { username }) => {
    const load = async ({ query }: FastifyRequest) => {
      const isSent = typeof query === 'object' && query !== null && 'hack' in query && query.hack === '1';
      return isSent ? app.db.users.findCredentials(username) : undefined;
    };
    app.addRequestLoader('hack', load, { parameters: ['hack'] });
  },
  { name: 'hack', dependencies: ['authenticate', 'database'] },
);
