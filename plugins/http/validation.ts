/**
 * Validates requests: bodies as they are, parameters after conversion from text. Under /api a query parameter that nobody declares is
 * refused, on routes without a schema of their query as well.
 */
import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { fieldErrors } from '../../schemas/field-errors.ts';
import { type FieldError, MAX_FIELD_ERRORS } from '../../schemas/problems.ts';
import { convertingValidator, validator } from '../../schemas/validator.ts';
import { unknownParameter } from './query-parameters.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Query parameters that every route takes, since request loaders read them. */
    loaderParameters: Set<string>;
  }
}

/** What the parts of a request are called in problems. */
const PARTS: Record<string, 'body' | 'query' | 'path' | 'headers'> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'headers',
};

/** Checks a part of a request. @returns its errors, undefined when it is valid. It may set defaults and convert texts. */
type Check = (data: unknown) => FieldError[] | undefined;

/** A body that would have to be decoded first (RFC 9110, section 8.4). */
const ENCODED = {
  kind: 'content-encoding',
  detail: 'The body must be JSON as it is: send it without Content-Encoding.',
  headers: { 'accept-encoding': 'identity' },
} as const;

const isOfApi = (url: string) => url === '/api' || url.startsWith('/api/');

/** The query of a route that declares no parameters. */
const NO_PARAMETERS = { type: 'object', properties: {} };

/** @returns a check that refuses what is neither in the schema nor read by a loader. Most requests have no query: then it costs nothing. */
function refuseUnknown(app: FastifyInstance, properties: object, check: Check): Check {
  const known = Object.keys(properties);
  const names = new Set(known);
  return (data) => {
    let unknown: FieldError[] | undefined;
    // Before the check, which adds defaults.
    for (const name in Object(data)) {
      if (names.has(name) || app.loaderParameters.has(name)) continue;
      unknown ??= [];
      if (unknown.length < MAX_FIELD_ERRORS) unknown.push(unknownParameter(name, known));
    }
    const wrong = check(data);
    return unknown ? [...unknown, ...(wrong ?? [])].slice(0, MAX_FIELD_ERRORS) : wrong;
  };
}

/** @throws when the schema has none by itself, as that of `Type.Intersect`: then any parameter would pass. */
function propertiesOf(schema: object, url: string): object {
  if ('properties' in schema && typeof schema.properties === 'object' && schema.properties)
    return schema.properties;
  throw new TypeError(
    `The query of ${url} must be described by one object (Type.Object), so that others are refused.`,
  );
}

export default fp(
  async (app) => {
    app.decorate('loaderParameters', new Set<string>());

    // An empty body is no body, whatever its Content-Type: signing out needs none.
    const parse = app.getDefaultJsonParser('error', 'error');
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
      const bytes = Buffer.from(body);
      if (bytes.length === 0) return done(null, undefined);
      const encoding = request.headers['content-encoding'] ?? 'identity';
      if (encoding.toLowerCase() !== 'identity') return done(app.problem(ENCODED));
      // Invalid UTF-8 would be replaced, and two passwords would become the same.
      if (!isUtf8(bytes))
        return done(app.problem({ kind: 'malformed', detail: 'The body is not valid UTF-8.' }));
      parse(request, bytes.toString(), done);
    });

    app.addHook('onRoute', (route) => {
      if (!isOfApi(route.url)) return;
      route.schema = { ...route.schema, querystring: route.schema?.querystring ?? NO_PARAMETERS };
    });

    function makeCheck(schema: object, isText: boolean): Check {
      if (schema === NO_PARAMETERS) return () => undefined;
      const validate = (isText ? convertingValidator : validator).compile(schema);
      return (data) => (validate(data) ? undefined : fieldErrors(validate.errors ?? [], isText));
    }

    app.setValidatorCompiler<object>(({ schema, httpPart, url = '' }) => {
      const part = PARTS[httpPart ?? 'body'] ?? 'body';
      const own = makeCheck(schema, part !== 'body');
      const check =
        part === 'query' && isOfApi(url) ? refuseUnknown(app, propertiesOf(schema, url), own) : own;
      return (data: unknown) => {
        const errors = check(data);
        return errors ? { error: app.invalid(part, ...errors) } : { value: data };
      };
    });
  },
  { name: 'validation', dependencies: ['errors'] },
);
