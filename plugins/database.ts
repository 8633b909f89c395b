/** Gives blueprints the database as `app.db`, and closes it when the service stops. */
import fp from 'fastify-plugin';
import type { Database } from '../db/database.ts';

declare module 'fastify' {
  interface FastifyInstance {
    db: Database;
  }
}

export default fp<{ database: Database }>(
  async (app, { database }) => {
    app.decorate('db', database);
    app.addHook('onClose', () => database.close());
  },
  { name: 'database' },
);
