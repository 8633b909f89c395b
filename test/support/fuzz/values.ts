/** Random values that a schema allows. odd.ts has those that it mostly refuses. */
import fc from 'fast-check';
import { PASSWORD } from '../service.ts';
import type { Schema } from './description.ts';

/** Stands for something that exists: the one of that kind that came so many before the latest. */
export class Reference {
  readonly kind: string;
  readonly nth: number;
  constructor(kind: string, nth: number) {
    this.kind = kind;
    this.nth = nth;
  }
}

/** Text that stands in the path or the query as it is, where other text is percent-encoded. */
export class RawText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export const SOME_ID = '01900000-0000-7000-8000-000000000000';

export const reference = (kind: string) => fc.nat(39).map((nth) => new Reference(kind, nth));

/** What holders may do: those of the service's own blueprints, and one that no rule asks for. */
export const PERMISSIONS = [
  'users:write',
  'users:read-private',
  'groups:write',
  'sessions:write',
  'audit:read',
  'tea:make',
];

const permission = fc.constantFrom(...PERMISSIONS, '*');

/** What a schema does not tell: which values of a field succeed. By operation and field, or by field. */
const FITTING: Record<string, fc.Arbitrary<unknown>> = {
  'signIn.username': reference('username'),
  'resetPassword.code': reference('code'),
  password: fc.oneof(
    { weight: 9, arbitrary: fc.constant(PASSWORD) },
    { weight: 1, arbitrary: fc.string({ minLength: 8, maxLength: 128 }) },
  ),
  current: fc.constant(PASSWORD),
  email: fc.emailAddress({ size: 'small' }),
};

/** Where a value stands. */
export interface Place {
  operationId: string;
  name: string;
  /** The kind of thing that an id names there. */
  kind: string;
}

function textsOf({ pattern, minLength = 0, maxLength = 1000 }: Schema): fc.Arbitrary<string> {
  const free = fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, minLength + 20) });
  if (pattern === undefined) return free;
  const expression = new RegExp(pattern, 'u');
  // fast-check makes no text of Unicode's categories.
  return /\\p\{/i.test(pattern)
    ? free.filter((text) => expression.test(text))
    : fc.stringMatching(expression, { maxLength });
}

/** @returns whether the schema has a pattern of which that text is one, and most others are not. */
function isPatternOf({ pattern }: Schema, text: string): boolean {
  const expression = new RegExp(pattern ?? '', 'u');
  return expression.test(text) && !expression.test('x');
}

function objectsOf(schema: Schema, place: Place): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], minProperties = 0 } = schema;
  const fields = Object.entries(properties).map(
    ([name, field]) => [name, valuesOf(field, { ...place, name })] as const,
  );
  return fc
    .record<Record<string, unknown>>(Object.fromEntries(fields), { requiredKeys: required })
    .filter((made) => Object.keys(made).length >= minProperties);
}

/** @returns values that the schema allows, apart from what only the service knows. */
export function valuesOf(schema: Schema, place: Place): fc.Arbitrary<unknown> {
  const { type, anyOf, items = {}, minimum, maximum } = schema;
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if ('const' in schema) return fc.constant(schema.const);
  if (anyOf) return fc.oneof(...anyOf.map((each) => valuesOf(each, place)));
  if (Array.isArray(type)) return fc.oneof(...type.map((each) => valuesOf({ ...schema, type: each }, place)));
  if (place.name === 'after' || isPatternOf(schema, SOME_ID)) return reference(place.kind);
  if (isPatternOf(schema, '*')) return permission;
  const fitting = FITTING[`${place.operationId}.${place.name}`] ?? FITTING[place.name];
  switch (type) {
    case 'string':
      return fitting ?? textsOf(schema);
    case 'integer':
      return fc.integer({
        ...(minimum === undefined ? {} : { min: minimum }),
        ...(maximum === undefined ? {} : { max: maximum }),
      });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.uniqueArray(valuesOf(items, place), { maxLength: Math.min(schema.maxItems ?? 3, 3) });
    case 'object':
      return objectsOf(schema, place);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}
