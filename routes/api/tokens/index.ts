/** One's own API tokens, for programs that act in one's name. */
import { randomUUIDv7 } from 'node:crypto';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { IdParams, Nothing, Page, PageQuery, responses, sessionOnly } from '../../../schemas/common.ts';
import { keyOf, makeSecret } from '../../../schemas/secrets.ts';
import { CreatedToken, NewToken, Token, tokenJson } from '../../../schemas/tokens.ts';

const tokens: FastifyPluginAsyncTypebox = async (app) => {
  const { db } = app;
  app.addHook('onRequest', app.requireSignedIn);
  app.addHook('onRequest', app.requireSession);

  app.get(
    '/',
    {
      schema: {
        operationId: 'listTokens',
        security: sessionOnly,
        summary: 'List your API tokens',
        querystring: PageQuery,
        response: responses({ 200: Page(Token) }),
        errors: [403],
      },
    },
    async (request, reply) => {
      const { after = '', limit } = request.query;
      return reply.page(await db.tokens.page(request.caller().id, after, limit + 1), limit, tokenJson);
    },
  );

  app.post(
    '/',
    {
      onRequest: app.requireFresh,
      schema: {
        operationId: 'createToken',
        security: sessionOnly,
        summary: 'Make an API token',
        description: 'Asks for a fresh session. The answer is the only one that shows the secret.',
        body: NewToken,
        response: responses({ 201: CreatedToken }),
        errors: [403],
      },
    },
    async (request, reply) => {
      const { name, scopes = [], expiresIn } = request.body;
      await request.mustHold(...scopes);
      const user = request.caller();
      const id = randomUUIDv7();
      const now = Date.now();
      const expiresAt = expiresIn === undefined ? null : now + expiresIn * 1000;
      const secret = makeSecret('rc_');
      const token = { key: keyOf(secret), id, userId: user.id, name, scopes, expiresAt };
      const target = { kind: 'token' as const, id, name };
      const shown = tokenJson({ id, name, scopes, createdAt: now, expiresAt, lastUsedAt: null });
      const after = { name, scopes, expiresAt: shown.expiresAt };
      if (!(await request.record({ event: 'token-created', target, after }, [db.tokens.add(token, now)]))) {
        throw app.problem({ status: 401, detail: 'This user was disabled or removed meanwhile.' });
      }
      reply.code(201).header('location', `/api/tokens/${id}`);
      return { ...shown, secret };
    },
  );

  app.delete(
    '/:id',
    {
      schema: {
        operationId: 'endToken',
        security: sessionOnly,
        summary: 'End one of your API tokens',
        params: IdParams,
        response: responses({ 204: Nothing }),
        errors: [403, 404],
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const userId = request.caller().id;
      const token = await db.tokens.findOf(userId, id);
      if (!token) throw app.notFound('token');
      const target = { kind: 'token' as const, id, name: token.name };
      if (!(await request.record({ event: 'token-ended', target }, [db.tokens.end(userId, id)]))) {
        throw app.notFound('token');
      }
      return reply.code(204).send();
    },
  );
};

export default tokens;
