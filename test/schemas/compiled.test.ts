/** What is made of schemas: once for all routes of a blueprint that share one, never for another's, and not of what is no schema. */
import { Ajv } from 'ajv';
import Fastify from 'fastify';
import { test } from 'tap';
import { SettingsSchema } from '../../config/schema.ts';
import { serializerFactory } from '../../schemas/serializers.ts';
import { validationError } from '../../schemas/validator.ts';

test('what writes answers is made once of each schema in a blueprint', async (t) => {
  const compile = serializerFactory({});
  const route = { method: 'GET', httpStatus: '200', schema: { type: 'string' } };
  t.equal(compile({ ...route, url: '/a' }), compile({ ...route, url: '/b' }));
  t.not(compile({ ...route, url: '/a' }), compile({ ...route, schema: { type: 'integer' }, url: '/a' }));
});

test('blueprints that name different schemas alike each get their own', async (t) => {
  const app = Fastify({ schemaController: { compilersFactory: { buildSerializer: serializerFactory } } });
  const response = { 200: { $ref: 'Thing#' } };
  for (const field of ['a', 'b']) {
    await app.register(async (scope) => {
      scope.addSchema({
        $id: 'Thing',
        type: 'object',
        properties: { [field]: { type: 'string' } },
        additionalProperties: false,
      });
      scope.get(`/${field}`, { schema: { response } }, async () => ({ a: 'of a', b: 'of b' }));
    });
  }
  t.same((await app.inject('/a')).json(), { a: 'of a' });
  t.same((await app.inject('/b')).json(), { b: 'of b' });
});

test('what is no schema is refused', async (t) => {
  t.throws(() => validationError({ type: 'string', maxLength: '5' }, 'text'), /maxLength must be integer/);
});

test('the schema of the settings, which a start does not look at, is one', async (t) => {
  t.ok(new Ajv({ strict: false }).validateSchema(SettingsSchema));
});
