/** Where other users are signed in: for those who look after the service. */

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { WRITE_SESSIONS } from '../../../accounts/authorization.ts';
import { endSessionsOf, readSessionsOf } from '../../../accounts/sessions.ts';
import { IdParams, Nothing, Page, PageQuery, responses } from '../../../schemas/common.ts';
import { ListedSession, listedSessionJson } from '../../../schemas/sessions.ts';

const sessions: FastifyPluginAsyncTypebox = async (app) => {
  const { db } = app;
  app.addHook('onRequest', app.requirePermission(WRITE_SESSIONS));

  app.get(
    '/:id/sessions',
    {
      schema: {
        operationId: 'listSessionsOfUser',
        summary: "List a user's sessions",
        description: `Asks for the permission ${WRITE_SESSIONS}, and for all that the user holds.`,
        params: IdParams,
        querystring: PageQuery,
        response: responses({ 200: Page(ListedSession) }),
        errors: [403, 404],
      },
    },
    async (request, reply) => {
      const { after = '', limit } = request.query;
      const rows = await readSessionsOf(db, request.actor(), request.params.id, after, limit + 1);
      return reply.page(rows, limit, (row) => listedSessionJson(row, request.authentication?.session?.id));
    },
  );

  app.delete(
    '/:id/sessions',
    {
      schema: {
        operationId: 'endSessionsOfUser',
        summary: "End all of a user's sessions",
        description: `Asks for ${WRITE_SESSIONS}, for all that the user holds, and for a fresh session or a bearer token.`,
        params: IdParams,
        response: responses({ 204: Nothing }),
        errors: [403, 404],
      },
    },
    async (request, reply) => {
      await endSessionsOf(db, request.actor(), request.params.id);
      return reply.code(204).send();
    },
  );
};

export default sessions;
