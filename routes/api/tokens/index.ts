/** One's own API tokens, for programs that act in one's name. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { createToken, endToken, tokensIn } from '../../../accounts/tokens.ts';
import { IdParams, Nothing, Page, PageQuery, responses, sessionOnly } from '../../../schemas/common.ts';
import { CreatedToken, NewToken, Token, tokenJson } from '../../../schemas/tokens.ts';

const listing = {
  operationId: 'listTokens',
  security: sessionOnly,
  summary: 'List your API tokens',
  querystring: PageQuery,
  response: responses({ 200: Page(Token) }),
  errors: [403],
};

const creating = {
  operationId: 'createToken',
  security: sessionOnly,
  summary: 'Make an API token',
  description: 'Asks for a fresh session. The answer is the only one that shows the secret.',
  body: NewToken,
  response: responses({ 201: CreatedToken }),
  errors: [403],
};

const ending = {
  operationId: 'endToken',
  security: sessionOnly,
  summary: 'End one of your API tokens',
  params: IdParams,
  response: responses({ 204: Nothing }),
  errors: [403, 404],
};

const tokens: FastifyPluginAsyncTypebox = async (app) => {
  app.describeRoutes('Your API tokens');
  const { db } = app;
  app.addHook('onRequest', app.requireSignedIn);
  app.addHook('onRequest', app.requireSession);

  app.get('/', { schema: listing }, async (request, reply) => {
    const { after = '', limit } = request.query;
    return reply.page(await tokensIn(db).page(request.caller().id, after, limit + 1), limit, tokenJson);
  });

  app.post('/', { onRequest: app.requireFreshSession, schema: creating }, async (request, reply) => {
    const { name, scopes = [], expiresIn } = request.body;
    const expiresAt = expiresIn === undefined ? null : Date.now() + expiresIn * 1000;
    const made = { name, scopes, expiresAt };
    const { token, secret } = await createToken(db, request.actor(), request.caller(), made);
    reply.code(201).header('location', `/api/tokens/${token.id}`);
    return { ...tokenJson(token), secret };
  });

  app.delete('/:id', { schema: ending }, async (request, reply) => {
    await endToken(db, request.actor(), request.caller(), request.params.id);
    return reply.code(204).send();
  });
};

export default tokens;
