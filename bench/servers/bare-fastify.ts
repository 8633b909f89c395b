/**
 * The reference: Rollcall's handlers and prepared queries on bare Fastify, without authentication. The difference
 * between Rollcall and this is the cost of authentication and, for changes, of the rules.
 */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify from 'fastify';
import fp from 'fastify-plugin';
import { Type } from 'typebox';
import { type Actor, anonymous } from '../../accounts/actor.ts';
import { visibilityFor } from '../../accounts/visibility.ts';
import { loadSettings } from '../../config/load.ts';
import { PROJECT_ROOT } from '../../config/project.ts';
import { openEngine, prepareQueries } from '../../db/database.ts';
import { EVERYTHING } from '../../db/queries/permissions.ts';
import sessionCookie from '../../plugins/auth/session-cookie.ts';
import database from '../../plugins/database.ts';
import errors from '../../plugins/http/errors.ts';
import etags from '../../plugins/http/etags.ts';
import paging from '../../plugins/http/paging.ts';
import routeTable from '../../plugins/http/route-table.ts';
import validation from '../../plugins/http/validation.ts';
import list from '../../routes/api/users/list.ts';
import read from '../../routes/api/users/read.ts';
import { Body, IdParams } from '../../schemas/common.ts';
import { DisplayName, UserDetail, userDetailJson } from '../../schemas/users.ts';
import { readByDriverPool } from '../driver-pool.ts';

/** The caller of every request, who sees as much of a user as Rollcall's does. */
const administrator: Actor = {
  ...anonymous({ address: '', userAgent: '', requestId: '' }, { log: { info() {} }, refusals: null }),
  permissions: [EVERYTHING],
};

const settings = loadSettings({ root: PROJECT_ROOT, environment: process.env });
const app = Fastify({
  logger: false,
  routerOptions: { ignoreTrailingSlash: true },
}).withTypeProvider<TypeBoxTypeProvider>();
await app.register(routeTable);
// The plugin of errors names the cookie.
await app.register(sessionCookie, { keys: settings.SECRET_KEY, secure: false });
// And it asks for the headers of security, of which this server has none.
await app.register(fp(async () => void app.decorate('securityHeaders', {}), { name: 'security-headers' }));
await app.register(errors);
await app.register(validation);
const engine = await openEngine(settings, { worker: true });
// Rollcall's cache of rows is part of what is measured, and its pool for MySQL.
const readOneCached =
  engine.dialect === 'mysql' ? readByDriverPool(settings.DATABASE_URL, settings.POOL_SIZE) : engine.readOne;
await app.register(database, { database: prepareQueries({ ...engine, readOneCached }) });
await app.register(paging);
await app.register(etags);
app.decorateRequest('actor', () => administrator);
await app.register(list, { prefix: '/api/users' });
await app.register(read, { prefix: '/api/users' });
const changing = {
  params: IdParams,
  body: Body({ name: Type.Optional(DisplayName) }),
  response: { 200: UserDetail },
};
app.patch('/api/users/:id', { schema: changing }, async (request) => {
  const { db, notFound } = app;
  const row = await db.users.find(request.params.id);
  if (!row) throw notFound('user');
  const user = { ...row, ...request.body };
  const now = Date.now();
  await db.atomically([db.users.change(user, now)]);
  return userDetailJson(
    { ...user, version: row.version + 1, updatedAt: now },
    visibilityFor(administrator)(row.id),
  );
});
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
process.stdout.write('listens on\n');
