/**
 * Compiles a drizzle query once into its SQL, a function that binds its parameters, and one that maps its rows to
 * objects. drizzle itself repeats this work for every run and row; measured in docs/performance.md.
 */
import { Column, is, Param, Placeholder, SQL } from '../drizzle.ts';
import { unsafeCast } from '../schema/column-types.ts';

/** The values of a query's placeholders, by name. */
export type Values = Record<string, unknown>;

export interface BuiltQuery {
  toSQL(): { sql: string; params: unknown[] };
}

export interface SelectQuery<Row> extends BuiltQuery {
  readonly _: { readonly result: Row[]; readonly selectedFields: Record<string, unknown> };
}

/** @returns the SQL, and a function that gives the parameters in order, or throws a TypeError when a placeholder has no value. */
export function compileStatement(query: BuiltQuery) {
  const { sql: text, params } = query.toSQL();
  const binders = params.map(makeBinder);
  return { text, bind: (values: Values = {}) => binders.map((bindParam) => bindParam(values)) };
}

/** @returns a function that gives a parameter: a constant, or a placeholder's value converted for its column. */
function makeBinder(param: unknown): (values: Values) => unknown {
  const hasEncoder = is(param, Param) && is(param.value, Placeholder);
  const placeholder = hasEncoder ? param.value : param;
  if (!is(placeholder, Placeholder)) return () => param;
  const { name } = placeholder;
  const valueIn = (values: Values) => {
    const value = values[name];
    if (value === undefined) throw new TypeError(`The query has no value for ${name}.`);
    return value;
  };
  return hasEncoder ? (values) => param.encoder.mapToDriverValue(valueIn(values)) : valueIn;
}

/**
 * @returns a function that makes an object of a row's values. It is generated code for just these fields, as Fastify's
 * serializers are, because a loop over the fields for each row of a list is slower.
 */
export function makeRowMapper<Row>(query: SelectQuery<Row>): (values: unknown[]) => Row {
  const fields = Object.entries(query._.selectedFields);
  const decoders = fields.map(([, field]) => findDecoder(field));
  const properties = fields.map(([name], index) => {
    const value = `values[${index}]`;
    const decoded = decoders[index] ? `${value} === null ? null : decoders[${index}](${value})` : value;
    return `${JSON.stringify(name)}: ${decoded}`;
  });
  const toRow = new Function('decoders', 'values', `return { ${properties.join(', ')} };`);
  return (values) => {
    if (values.length !== fields.length)
      throw new TypeError('A query of several tables must name its fields.');
    return unsafeCast<Row>(toRow(decoders, values));
  };
}

/** @returns the decoder of the driver's value for a column or expression, or undefined when it needs none. */
function findDecoder(field: unknown): ((value: unknown) => unknown) | undefined {
  const expression = is(field, SQL.Aliased) ? field.sql : field;
  const decoder = is(expression, SQL) && 'decoder' in expression ? expression.decoder : expression;
  if (!isDecoder(decoder))
    throw new TypeError('A query selects something that is neither a column nor an expression.');
  if (decoder.mapFromDriverValue === Column.prototype.mapFromDriverValue) return undefined;
  return (value) => decoder.mapFromDriverValue(value);
}

function isDecoder(value: unknown): value is { mapFromDriverValue: (value: unknown) => unknown } {
  return value instanceof Object && 'mapFromDriverValue' in value;
}
