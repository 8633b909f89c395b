/** The same handlers and prepared queries as Rollcall's on a bare Fastify, for the servers that it is compared with. */
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

/** @returns an app with what the handlers need, to which nobody has added any yet. */
export async function makeBareApp() {
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
  return app;
}
