/** Provides Rollcall's handlers and prepared queries on bare Fastify, for the servers that the bench compares. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyInstance } from 'fastify';
import { anonymous } from '../../accounts/actor.ts';
import { loadSettings } from '../../config/load.ts';
import { PROJECT_ROOT } from '../../config/project.ts';
import { openEngine, prepareQueries } from '../../db/database.ts';
import sessionCookie from '../../plugins/auth/session-cookie.ts';
import database from '../../plugins/database.ts';
import errors from '../../plugins/http/errors.ts';
import etags from '../../plugins/http/etags.ts';
import paging from '../../plugins/http/paging.ts';
import routeTable from '../../plugins/http/route-table.ts';
import validation from '../../plugins/http/validation.ts';

/** The caller of every request, who sees no more of a user than any caller does. */
const nobody = anonymous({ address: '', userAgent: '', requestId: '' }, { info() {} });

/** @returns an app with the plugins that the handlers need, but without routes. */
export async function makeBareApp() {
  const settings = loadSettings({ root: PROJECT_ROOT, environment: process.env });
  const app = Fastify({
    logger: false,
    routerOptions: { ignoreTrailingSlash: true },
  }).withTypeProvider<TypeBoxTypeProvider>();
  await app.register(routeTable);
  // The plugin of errors names the cookie.
  await app.register(sessionCookie, { keys: settings.SECRET_KEY, secure: false });
  await app.register(errors);
  await app.register(validation);
  const engine = await openEngine(settings, { worker: true });
  // Rollcall's cache of rows is part of what is measured.
  const withoutCache = { ...engine, readOneCached: engine.readOne };
  await app.register(database, { database: prepareQueries(withoutCache) });
  await app.register(paging);
  await app.register(etags);
  app.decorateRequest('actor', () => nobody);
  return app;
}

/** Changes a user without authentication. */
export async function change(app: FastifyInstance): Promise<void> {
  app.patch<{ Params: { id: string }; Body: { name: string } }>('/:id', async (request) => {
    const row = await app.db.users.find(request.params.id);
    if (!row) throw app.notFound('user');
    await app.db.atomically([app.db.users.change({ ...row, ...request.body }, Date.now())]);
    return { id: row.id };
  });
}
