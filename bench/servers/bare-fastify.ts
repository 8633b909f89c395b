/**
 * The reference: the very same handlers and prepared queries on a bare Fastify, without any hook that asks who is calling.
 * What Rollcall costs more than this is what its knowing who is calling costs.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify from 'fastify';
import { loadSettings } from '../../config/load.ts';
import { PROJECT_ROOT } from '../../config/project.ts';
import { openEngine, prepareQueries } from '../../db/database.ts';
import database from '../../plugins/database.ts';
import directory from '../../plugins/directory.ts';
import errors from '../../plugins/errors.ts';
import pages from '../../plugins/pages.ts';
import validation from '../../plugins/validation.ts';
import versions from '../../plugins/versions.ts';
import list from '../../routes/api/users/list.ts';

const settings = loadSettings({ root: PROJECT_ROOT, environment: process.env });
const app = Fastify({
  logger: false,
  routerOptions: { ignoreTrailingSlash: true },
}).withTypeProvider<TypeBoxTypeProvider>();
await app.register(directory);
await app.register(errors);
await app.register(validation);
await app.register(database, { database: prepareQueries(await openEngine(settings)) });
await app.register(pages);
await app.register(versions);
await app.register(list, { prefix: '/api/users' });
app.get('/', async () => ({ name: 'bare', version: '1.0.0' }));
app.patch<{ Params: { id: string }; Body: { name: string } }>('/api/users/:id', async (request) => {
  const row = await app.db.users.find(request.params.id);
  if (!row) throw app.notFound('user');
  await app.db.atomically([app.db.users.change({ ...row, ...request.body }, Date.now())]);
  return { id: row.id, change: randomUUIDv7() };
});
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
process.stdout.write('listens on\n');
