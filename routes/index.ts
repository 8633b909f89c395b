/** The index of the API, and the probes for what watches the service. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import packageJson from '../package.json' with { type: 'json' };
import { responses } from '../schemas/common.ts';

const Index = Type.Object({
  name: Type.String(),
  version: Type.String(),
  /** Where each blueprint begins, by its name. */
  links: Type.Record(Type.String(), Type.String()),
});

const Health = Type.Object({ status: Type.String() });

const index: FastifyPluginAsyncTypebox = async (app) => {
  app.describeRoutes('What this is, and whether it can serve');
  const { name, version } = packageJson;
  let links: Record<string, string> = {};
  // By then all blueprints are registered.
  app.addHook('onReady', async () => {
    links = Object.fromEntries(app.routeTable.roots().map((path) => [path.replace(/^\/(api\/)?/, ''), path]));
  });

  app.get(
    '/',
    {
      config: { anonymous: true },
      schema: {
        operationId: 'index',
        summary: 'What this is, and where the blueprints begin',
        response: responses({ 200: Index }),
      },
    },
    async () => ({ name, version, links }),
  );

  app.get(
    '/livez',
    {
      config: { anonymous: true, probe: true },
      schema: {
        operationId: 'livez',
        summary: 'Does the process live',
        response: responses({ 200: Health }),
      },
    },
    async () => ({ status: 'alive' }),
  );

  app.get(
    '/readyz',
    {
      config: { anonymous: true, probe: true },
      schema: {
        operationId: 'readyz',
        summary: 'Can it serve: does the database answer, with the schema of this version',
        response: responses({ 200: Health }),
      },
    },
    async (_request, reply) => {
      reply.header('cache-control', 'no-store');
      if (await app.db.schemaIsCurrent()) return { status: 'ready' };
      throw app.problem({
        kind: 'wrong-schema',
        detail:
          'The database has not the schema that this version expects: "npm run manage -- db current" tells more.',
        headers: { 'retry-after': '5' },
      });
    },
  );
};

export default index;
