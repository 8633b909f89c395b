/** One's own API tokens, for programs that act in one's name. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { createToken, endToken, tokensIn } from '../../../accounts/tokens.ts';
import type { Settings } from '../../../config/load.ts';
import { IdParams, Nothing, Page, PageQuery, responses, sessionOnly } from '../../../schemas/common.ts';
import { CreatedToken, newToken, Token, tokenJson } from '../../../schemas/tokens.ts';

const listing = {
  operationId: 'listTokens',
  security: sessionOnly,
  summary: 'List your API tokens',
  querystring: PageQuery,
  response: responses({ 200: Page(Token) }),
  errors: [403],
};

const creating = (longest: number) => ({
  operationId: 'createToken',
  security: sessionOnly,
  summary: 'Make an API token',
  description:
    'Asks for a fresh session. The answer is the only one that shows the secret. Without expiresIn, the token lives as long as the setting TOKEN_LIFETIME allows. A reset of your password ends it.',
  body: newToken(longest),
  response: responses({ 201: CreatedToken }),
  errors: [403],
});

const ending = {
  operationId: 'endToken',
  security: sessionOnly,
  summary: 'End one of your API tokens',
  params: IdParams,
  response: responses({ 204: Nothing }),
  errors: [403, 404],
};

interface TokensOptions {
  settings: Pick<Settings, 'TOKEN_LIFETIME'>;
}

const tokens: FastifyPluginAsyncTypebox<TokensOptions> = async (app, { settings }) => {
  app.describeRoutes('Your API tokens');
  const { db } = app;
  app.addHook('onRequest', app.requireSignedIn);
  app.addHook('onRequest', app.requireSession);

  app.get('/', { schema: listing }, async (request, reply) => {
    const { after = '', limit } = request.query;
    return reply.page(await tokensIn(db).page(request.caller().id, after, limit + 1), limit, tokenJson);
  });

  const schema = creating(settings.TOKEN_LIFETIME);
  app.post('/', { onRequest: app.requireFreshSession, schema }, async (request, reply) => {
    const { name, scopes = [], expiresIn } = request.body;
    const made = { name, scopes, expiresAt: Date.now() + expiresIn * 1000 };
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
