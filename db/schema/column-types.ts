/**
 * The words that a table is written in. Each table is written once, as a function of this vocabulary, and so exists
 * in both dialects: SQLite's gives the types, MySQL's (vocabulary.mysql.ts) is held to them by `held`, the one cast of
 * the project. What makes that honest is that every test runs on both engines.
 */
import type { AnyColumn, Column, ColumnBaseConfig, ColumnDataType, Placeholder, SQL } from 'drizzle-orm';
import { sql, sqliteCore as sqlite } from '../drizzle.ts';

/**
 * Says that a value has a shape that the types can't know: that of its SQLite twin, where it is MySQL's, or the one that
 * drizzle takes it for. Nowhere else does the project cast.
 */
export function unsafeCast<Twin>(value: unknown): Twin {
  return value as Twin;
}

/** The longest strings, in characters: an identifier (UUID), and a hash or secret of 256 bits in base64url. */
export const ID_LENGTH = 36;
export const DIGEST_LENGTH = 43;
/** How much is kept of where a request came from, in characters. */
export const ORIGIN_LENGTHS = { address: 64, userAgent: 255, requestId: 64 };

export const sqliteColumnTypes = {
  table: sqlite.sqliteTable,
  index: sqlite.index,
  uniqueIndex: sqlite.uniqueIndex,
  primaryKey: sqlite.primaryKey,
  foreignKey: sqlite.foreignKey,
  /** The primary key of a thing: a UUIDv7 in lower case. */
  id: () => sqlite.text().primaryKey(),
  /** The id of another thing. */
  ref: () => sqlite.text(),
  /** A hash or secret of 256 bits in base64url. */
  digest: () => sqlite.text(),
  /** Text of at most `length` characters, compared byte by byte. */
  string: (length: number) => sqlite.text({ length }),
  /** A whole number. */
  integer: () => sqlite.integer(),
  /** A moment, in milliseconds since 1970. */
  instant: () => sqlite.integer(),
  flag: () => sqlite.integer({ mode: 'boolean' }),
  /** A value that is only kept and shown, never searched: at most 64 KiB as JSON. */
  json: <Value>() => sqlite.text({ mode: 'json' }).$type<Value>(),
};

export type ColumnTypes = typeof sqliteColumnTypes;

/** A value that is given when the prepared query is run. */
export function placeholder(name: string) {
  return sql.placeholder(name);
}

/** How many rows to read at most, given as `limit`. */
export const limitPlaceholder = placeholder('limit');

/** @returns the condition that the column equals the named value. */
export function equals(column: AnyColumn, name: string): SQL {
  return sql`${column} = ${typedPlaceholder(name, column)}`;
}

/** @returns placeholders for an INSERT, by the names of its columns. */
export function placeholdersFor<Name extends string>(...names: Name[]): Record<Name, Placeholder> {
  return unsafeCast(Object.fromEntries(names.map((name) => [name, placeholder(name)])));
}

/** @returns placeholders for the SET of an UPDATE, by the names of the table's columns. */
export function typedPlaceholdersFor<Name extends string>(
  columns: Record<Name, AnyColumn>,
  ...names: Name[]
): Record<Name, SQL> {
  return unsafeCast(Object.fromEntries(names.map((name) => [name, typedPlaceholder(name, columns[name])])));
}

/** The same as `placeholder` where drizzle asks for a value of the column's type: in the SET of an update, or a selected field. */
export function typedPlaceholder<Data>(
  name: string,
  column: Column<ColumnBaseConfig<ColumnDataType, string> & { data: Data }>,
): SQL<Data> {
  return sql<Data>`${sql.param(sql.placeholder(name), column)}`;
}
