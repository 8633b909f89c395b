/** The index of the API, and the probes for what watches the service. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { tryInTime } from '../db/health.ts';
import packageJson from '../package.json' with { type: 'json' };
import { responses } from '../schemas/common.ts';

const Index = Type.Object({
  name: Type.String(),
  version: Type.String(),
  /** Where each blueprint begins, by its name. */
  links: Type.Record(Type.String(), Type.String()),
});

const Health = Type.Object({ status: Type.String() });
const Readiness = Type.Object({ status: Type.Enum(['ready', 'read-only']) });

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
        description:
          'The status is `read-only` while the database can be read and not written: reads go on, and changes are answered by 503.',
        response: responses({ 200: Readiness }),
      },
    },
    async (_request, reply) => {
      reply.header('cache-control', 'no-store');
      if (app.stopping)
        throw app.problem({ kind: 'stopping', detail: 'The service is about to stop.', logged: true });
      if (await tryInTime(app.db.schemaIsCurrent))
        return { status: app.health.isWritable ? ('ready' as const) : ('read-only' as const) };
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
