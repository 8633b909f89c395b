/**
 * A login for development: ?hack=1 authenticates as the user that AUTH_HACK_USER names. It exists only with that setting, which
 * only development and tests on this machine may have (config/unsafe.ts). Who comes by it is never fresh. The request must name this
 * machine: a foreign page whose name resolves to 127.0.0.1 (DNS rebinding) counts as of the same origin, but has its own name as Host.
 */
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { isLoopback } from '../../config/unsafe.ts';

export default fp<{ username: string }>(
  async (app, { username }) => {
    const load = async ({ query, hostname = '' }: FastifyRequest) => {
      if (!isLoopback(hostname.replace(/^\[(.*)\]$/, '$1'))) return undefined;
      const isSent = typeof query === 'object' && query !== null && 'hack' in query && query.hack === '1';
      return isSent ? app.db.users.findCredentials(username) : undefined;
    };
    app.addRequestLoader('hack', load, { parameters: ['hack'] });
  },
  { name: 'hack', dependencies: ['authenticate', 'database'] },
);
