/**
 * TypeBox's constructors of schemas, as far as the service uses them. The package has its own in 373 modules, which take a tenth of a
 * second and several megabytes in each process (measured in docs/performance.md). The types are the package's, and a test compares what
 * both make, so a schema of one may be a part of a schema of the other.
 */
import type { TProperties, Type as TypeBox } from 'typebox';

type Simple = 'Boolean' | 'Integer' | 'Null' | 'String';
type Composed = 'Array' | 'Enum' | 'Object' | 'Ref' | 'Union';
type Modifier = 'Optional' | 'Unsafe';

/** Sets what JSON does not show, and gives the schema the type that TypeBox names. */
function hide(schema: object, name: string, value: unknown) {
  const descriptor = { value, configurable: true, writable: true };
  return Object.create(Object.prototype, {
    ...Object.getOwnPropertyDescriptors(schema),
    [name]: descriptor,
  });
}

const make = (kind: string, schema: object, options: object = {}) =>
  hide({ ...schema, ...options }, '~kind', kind);

function requiredOf(properties: TProperties): { required?: string[] } {
  const required = Object.entries(properties).flatMap(([name, each]) => ('~optional' in each ? [] : [name]));
  return required.length > 0 ? { required } : {};
}

export const Type: Pick<typeof TypeBox, Simple | Composed | Modifier> = {
  Boolean: (options) => make('Boolean', { type: 'boolean' }, options),
  Integer: (options) => make('Integer', { type: 'integer' }, options),
  Null: (options) => make('Null', { type: 'null' }, options),
  String: (options) => make('String', { type: 'string' }, options),
  Array: (items, options) => make('Array', { type: 'array', items }, options),
  Enum: (values: unknown, options?: object) => make('Enum', { enum: values }, options),
  Object: (properties, options) =>
    make('Object', { type: 'object', ...requiredOf(properties), properties }, options),
  Ref: (name: string, options?: object) => make('Ref', { $ref: name }, options),
  Union: (anyOf, options) => make('Union', { anyOf }, options),
  Optional: (schema) => hide(schema, '~optional', true),
  Unsafe: (schema) => hide(schema, '~unsafe', null),
};
