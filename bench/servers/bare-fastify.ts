/**
 * The reference: Rollcall's handlers and prepared queries on bare Fastify, without authentication. The difference
 * between Rollcall and this is the cost of authentication and, for changes, of the rules.
 */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify from 'fastify';
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
import list from '../../routes/api/users/list.ts';
import read from '../../routes/api/users/read.ts';

/** The caller of every request, who sees no more of a user than any caller does. */
const nobody = anonymous(
  { address: '', userAgent: '', requestId: '' },
  { log: { info() {} }, refusals: null },
);

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
await app.register(database, { database: prepareQueries({ ...engine, readOneCached: engine.readOne }) });
await app.register(paging);
await app.register(etags);
app.decorateRequest('actor', () => nobody);
await app.register(list, { prefix: '/api/users' });
await app.register(read, { prefix: '/api/users' });
app.patch<{ Params: { id: string }; Body: { name: string } }>('/api/users/:id', async (request) => {
  const { db, notFound } = app;
  const row = await db.users.find(request.params.id);
  if (!row) throw notFound('user');
  await db.atomically([db.users.change({ ...row, ...request.body }, Date.now())]);
  return { id: row.id };
});
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
process.stdout.write('listens on\n');
