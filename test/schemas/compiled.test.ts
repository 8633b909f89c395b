/** Tests the compilation of schemas: a blueprint compiles a shared schema once, and never uses that of another blueprint. */
import { Ajv } from 'ajv';
import Fastify from 'fastify';
import { test } from 'tap';
import { SettingsSchema } from '../../config/schema.ts';
import { serializerFactory } from '../../schemas/serializers.ts';
import { validationError } from '../../schemas/validator.ts';

test('The serializer of a schema is compiled once per blueprint', async (t) => {
  const compile = serializerFactory({});
  const route = { method: 'GET', httpStatus: '200', schema: { type: 'string' } };
  t.equal(compile({ ...route, url: '/a' }), compile({ ...route, url: '/b' }));
  t.not(compile({ ...route, url: '/a' }), compile({ ...route, schema: { type: 'integer' }, url: '/a' }));
});

test('Blueprints with different schemas of the same name each use their own', async (t) => {
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

test('An invalid schema is refused', async (t) => {
  t.throws(() => validationError({ type: 'string', maxLength: '5' }, 'text'), /maxLength must be integer/);
});

test('The schema of the settings is valid, which is not checked at start', async (t) => {
  t.ok(new Ajv({ strict: false }).validateSchema(SettingsSchema));
});
