/**
 * The description of the API: OpenAPI 3.1 at /openapi.json, made of the routes' own schemas, and at /docs a page to read and try
 * it.
 */
import swagger, { type SwaggerTransform } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyPluginAsync, FastifySchema, RouteOptions } from 'fastify';
import fp from 'fastify-plugin';
import packageJson from '../../package.json' with { type: 'json' };
import { tagOf } from './route-table.ts';

/** What every status of an error means. */
const REFUSALS: Record<number, string> = {
  400: 'Something in the request is not valid; `errors` says what.',
  401: 'Nobody has signed in, or the credentials are wrong.',
  403: 'The caller may not do this, or not from another origin, or not over plain HTTP.',
  404: 'There is nothing of that id.',
  405: 'The path takes other methods; Allow names them. A part of it that is empty makes it another path.',
  409: 'It is taken, or others were in the way.',
  412: 'It has changed since the version that If-Match names.',
  413: 'The body is too large.',
  414: 'A part of the path is too long.',
  415: 'The body is no JSON, or it is compressed.',
  429: 'There were too many attempts; Retry-After says when to try again.',
  503: 'The service can not serve at present.',
};

/**
 * @returns the statuses of a route's errors: those that follow from its method, its path and its schema, and its own.
 * @param methodsOf tells the methods of a path.
 */
function errorStatusesOf(
  { config, method, url }: RouteOptions,
  schema: FastifySchema,
  methodsOf: (path: string) => string[],
): number[] {
  // 400, since the HTTP of any request can be broken. 403, since any request can lack HTTPS in production.
  const statuses = new Set([...(schema.errors ?? []), 400, 403, 503]);
  // Fastify reads the body of every method but GET, whether or not the route asks for one.
  if (method !== 'GET') for (const status of [413, 415]) statuses.add(status);
  if (schema.params) statuses.add(414);
  // An empty last part is a slash at the end, which changes nothing: it makes the path that of the list.
  const list = /^(.+)\/:\w+$/.exec(url)?.[1];
  if (list && !methodsOf(list).includes(String(method))) statuses.add(405);
  // 429 comes after too many bad tokens.
  if (!config?.anonymous) for (const status of [401, 429]) statuses.add(status);
  return [...statuses].sort();
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/** @returns the schema without our own keywords, which OpenAPI does not know. */
function published(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(published);
  if (!isObject(schema)) return schema;
  const { rule, identifier: _ours, lowerCase: _too, instant: _and, ...rest } = schema;
  if (typeof rule === 'string') rest.description ??= rule;
  // A field with a default may be left out.
  const { properties, required } = rest;
  if (isObject(properties) && Array.isArray(required)) {
    const hasDefault = (property: unknown) => isObject(property) && 'default' in property;
    rest.required = required.filter((name) => !hasDefault(properties[String(name)]));
  }
  return Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, published(value)]));
}

const DONE: Record<string, string> = { 200: 'As it is now.', 201: 'It was made.', 204: 'It was done.' };

/** The header of changes that answer 412. */
const IF_MATCH = {
  type: 'object',
  properties: {
    'if-match': { type: 'string', description: 'The ETag of what you have read.', examples: ['"1"'] },
  },
};

const problem = (status: number) => ({
  description: REFUSALS[status] ?? '',
  content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
});

/** @returns what makes a route's schema as OpenAPI shows it: with its tag, its security and its errors. */
const transformWith =
  (schemes: string[], methodsOf: (path: string) => string[]): SwaggerTransform =>
  ({ schema, url, route }) => {
    const { errors: _own, response, ...rest } = schema ?? {};
    const own = Object.entries(isObject(response) ? response : {})
      .filter(([status]) => /^2/.test(status))
      .map(([status, body]) => [status, { description: DONE[status], ...(isObject(body) ? body : {}) }]);
    const errors = errorStatusesOf(route, schema ?? {}, methodsOf).map((status) => [status, problem(status)]);
    const made = {
      tags: [tagOf(url)],
      security: route.config?.anonymous ? [] : schemes.map((scheme) => ({ [scheme]: [] })),
      ...rest,
      ...(schema?.errors?.includes(412) ? { headers: IF_MATCH } : {}),
      response: Object.fromEntries([...own, ...errors]),
    };
    const transformed = published(made);
    return { schema: isObject(transformed) ? transformed : {}, url };
  };

const bearerScheme = (description: string) => ({ type: 'http' as const, scheme: 'bearer', description });

/** The page to read and try the API. */
const page: FastifyPluginAsync = async (scope) => {
  scope.addHook('onRoute', (route) => {
    route.config = { ...route.config, anonymous: true };
  });
  await scope.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    // The page has inline styles, works over plain HTTP, and loads nothing from other hosts.
    transformStaticCSP: (policy) =>
      policy
        .replace(' upgrade-insecure-requests;', '')
        .replace(' validator.swagger.io', '')
        .replace("frame-ancestors 'self'", "frame-ancestors 'none'")
        .replace("font-src 'self' https: data:", "font-src 'self' data:")
        .replace("style-src 'self' https:", "style-src 'self' 'unsafe-inline'"),
    uiConfig: { docExpansion: 'list', tryItOutEnabled: true, persistAuthorization: false },
  });
};

export default fp(
  async (app) => {
    const bearerTokens = [...app.bearerTokens];
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: { title: 'Rollcall', description: packageJson.description, version: packageJson.version },
        components: {
          securitySchemes: {
            session: {
              type: 'apiKey',
              in: 'cookie',
              name: app.sessionCookie.name,
              description: 'What POST /api/sign/in sets.',
            },
            ...Object.fromEntries(
              bearerTokens.map(([method, { description }]) => [method, bearerScheme(description)]),
            ),
          },
        },
      },
      refResolver: {
        buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `def-${index}`),
      },
      transform: transformWith(
        ['session', ...bearerTokens.map(([method]) => method)],
        app.routeTable.methodsOf,
      ),
      transformObject: (made) => {
        if (!('openapiObject' in made)) throw new TypeError('The description is OpenAPI.');
        const tags = [...app.routeTable.descriptions].map(([name, description]) => ({ name, description }));
        return { ...made.openapiObject, tags };
      },
    });

    const hidden = { config: { anonymous: true }, schema: { hide: true } };
    app.get('/openapi.json', hidden, async () => app.swagger());

    await app.register(page);
  },
  { name: 'openapi', dependencies: ['authenticate', 'errors', 'route-table', 'session-cookie'] },
);
