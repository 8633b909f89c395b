/**
 * The schemas' words, as TypeBox has them: each makes JSON Schema, and TypeBox's types say what values fit it. We take its
 * types, but make the few schemas that we need ourselves: its 373 modules took each process 8 MB and 60 ms of its start.
 */
import type * as TypeBox from 'typebox';

/** Marks what need not be given, as it does in TypeBox's own schemas, so that both can be fields of one object. */
const OPTIONAL = '~optional';

// The first signature is what the callers see, as TypeBox has it; the last one is what the code is checked by.

function object<Fields extends TypeBox.TProperties>(
  properties: Fields,
  options?: TypeBox.TObjectOptions,
): TypeBox.TObject<Fields>;
function object(properties: TypeBox.TProperties, options?: TypeBox.TObjectOptions): object {
  const required = Object.entries(properties).flatMap(([name, schema]) => (OPTIONAL in schema ? [] : [name]));
  return { type: 'object', ...(required.length > 0 ? { required } : {}), properties, ...options };
}

function optional<Schema extends TypeBox.TSchema>(schema: Schema): TypeBox.TAddOptional<Schema>;
function optional(schema: TypeBox.TSchema): object {
  // Hidden, since it is no word of JSON Schema.
  return Object.defineProperty({ ...schema }, OPTIONAL, { value: true });
}

function array<Item extends TypeBox.TSchema>(
  items: Item,
  options?: TypeBox.TArrayOptions,
): TypeBox.TArray<Item>;
function array(items: TypeBox.TSchema, options?: TypeBox.TArrayOptions): object {
  return { type: 'array', items, ...options };
}

function union<Schemas extends TypeBox.TSchema[]>(
  anyOf: [...Schemas],
  options?: TypeBox.TSchemaOptions,
): TypeBox.TUnion<Schemas>;
function union(anyOf: TypeBox.TSchema[], options?: TypeBox.TSchemaOptions): object {
  return { anyOf, ...options };
}

function oneOf<Values extends TypeBox.TEnumValue[]>(
  values: readonly [...Values],
  options?: TypeBox.TSchemaOptions,
): TypeBox.TEnum<Values>;
function oneOf(values: readonly TypeBox.TEnumValue[], options?: TypeBox.TSchemaOptions): object {
  return { enum: values, ...options };
}

/** An object with any keys. */
function record<Value extends TypeBox.TSchema>(
  key: TypeBox.TString,
  value: Value,
): TypeBox.TRecord<TypeBox.TStringKey, Value>;
function record(_key: TypeBox.TString, value: TypeBox.TSchema): object {
  return { type: 'object', patternProperties: { '^.*$': value } };
}

function ref<Name extends string>(name: Name): TypeBox.TRef<Name>;
function ref(name: string): object {
  return { $ref: name };
}

function unsafe<Value>(schema: TypeBox.TSchema): TypeBox.TUnsafe<Value>;
function unsafe(schema: TypeBox.TSchema): object {
  return schema;
}

function string(options?: TypeBox.TStringOptions): TypeBox.TString;
function string(options?: TypeBox.TStringOptions): object {
  return { type: 'string', ...options };
}

function integer(options?: TypeBox.TNumberOptions): TypeBox.TInteger;
function integer(options?: TypeBox.TNumberOptions): object {
  return { type: 'integer', ...options };
}

function boolean(options?: TypeBox.TSchemaOptions): TypeBox.TBoolean;
function boolean(options?: TypeBox.TSchemaOptions): object {
  return { type: 'boolean', ...options };
}

function nothing(options?: TypeBox.TSchemaOptions): TypeBox.TNull;
function nothing(options?: TypeBox.TSchemaOptions): object {
  return { type: 'null', ...options };
}

export const Type = {
  Array: array,
  Boolean: boolean,
  Enum: oneOf,
  Integer: integer,
  Null: nothing,
  Object: object,
  Optional: optional,
  Record: record,
  Ref: ref,
  String: string,
  Union: union,
  Unsafe: unsafe,
};
