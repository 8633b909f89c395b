/** The service's constructors of schemas make what TypeBox's own make, with what is hidden from JSON as well. */
import { test } from 'tap';
import { type TSchema, Type as TypeBox } from 'typebox';
import { Type } from '../../config/typebox.ts';

const schemasOf = (type: typeof Type): Record<keyof typeof Type, TSchema[]> => ({
  Boolean: [type.Boolean()],
  Integer: [type.Integer({ minimum: 1, default: 20 })],
  Null: [type.Null()],
  String: [type.String(), type.String({ maxLength: 3 })],
  Array: [type.Array(type.Optional(type.String()), { maxItems: 2 })],
  Enum: [type.Enum(['one', 'two'], { description: 'one of two' })],
  Object: [
    type.Object({}),
    type.Object({ one: type.Optional(type.Integer()) }, { $id: 'Named' }),
    type.Object({ one: type.Integer(), two: type.Optional(type.Object({ three: type.Null() })) }),
  ],
  Ref: [type.Ref('Named')],
  Union: [type.Union([type.Null(), type.Integer()])],
  Optional: [type.Optional(type.String({ pattern: '^a' }))],
  Unsafe: [type.Optional(type.Unsafe<string | null>({ type: ['string', 'null'] }))],
});

/** @returns the schema with what is hidden from JSON. */
function shown(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shown);
  if (typeof value !== 'object' || value === null) return value;
  const properties = Object.entries(Object.getOwnPropertyDescriptors(value));
  return properties.map(([name, { value, enumerable }]) => ({ name, enumerable, value: shown(value) }));
}

for (const [name, schemas] of Object.entries(schemasOf(Type))) {
  test(`schemas are those that TypeBox makes: ${name}`, async (t) => {
    const theirs: Record<string, TSchema[]> = schemasOf(TypeBox);
    t.strictSame(shown(schemas), shown(theirs[name]));
  });
}
