/**
 * A back door for trying things out: ?hack=1 stands for the user that AUTH_HACK_USER names. It exists only if that
 * setting is given, and the settings refuse it in production.
 */
import fp from 'fastify-plugin';

export default fp<{ username: string }>(
  async (app, { username }) => {
    app.log.warn({ username }, 'AUTH_HACK_USER is set: ?hack=1 on any request stands for this user');
    app.addRequestLoader('hack', async ({ query }) => {
      const asked = typeof query === 'object' && query !== null && 'hack' in query && query.hack === '1';
      return asked ? app.db.users.findCredentials(username) : undefined;
    });
  },
  { name: 'hack', dependencies: ['authenticate', 'database'] },
);
