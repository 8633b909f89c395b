/** One's own sessions: where one is signed in, and ending what should not be. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { endOtherSessions, endSession } from '../../../accounts/sessions.ts';
import { IdParams, Nothing, Page, PageQuery, responses, sessionOnly } from '../../../schemas/common.ts';
import { ListedSession, listedSessionJson } from '../../../schemas/sessions.ts';

const listing = {
  operationId: 'listSessions',
  security: sessionOnly,
  summary: 'List your sessions',
  querystring: PageQuery,
  response: responses({ 200: Page(ListedSession) }),
  errors: [403],
};

const endingOthers = {
  operationId: 'endOtherSessions',
  security: sessionOnly,
  summary: 'End all your sessions but this one',
  description: 'Asks for a fresh session.',
  response: responses({ 204: Nothing }),
  errors: [403],
};

const ending = {
  operationId: 'endSession',
  security: sessionOnly,
  summary: 'End one of your sessions',
  description: 'Asks for a fresh session, unless it is this one.',
  params: IdParams,
  response: responses({ 204: Nothing }),
  errors: [403, 404],
};

const sessions: FastifyPluginAsyncTypebox = async (app) => {
  app.describeRoutes('Your sessions');
  const { db } = app;
  app.addHook('onRequest', app.requireSignedIn);
  app.addHook('onRequest', app.requireSession);

  app.get('/', { schema: listing }, async (request, reply) => {
    const { after = '', limit } = request.query;
    const rows = await db.sessions.page(request.caller().id, after, limit + 1, Date.now());
    return reply.page(rows, limit, (row) => listedSessionJson(row, request.authentication?.session?.id));
  });

  app.delete('/', { schema: endingOthers }, async (request, reply) => {
    await endOtherSessions(db, request.actor());
    return reply.code(204).send();
  });

  app.delete('/:id', { schema: ending }, async (request, reply) => {
    await endSession(db, request.actor(), request.caller(), request.params.id);
    return reply.code(204).send();
  });
};

export default sessions;
