/**
 * Each table is written once, as a function of column types, and so exists in both dialects. SQLite's give the TypeScript types;
 * `unsafeCast` applies them to MySQL's, and the tests on both engines prove that they fit. The column types of a dialect have their own
 * file (column-types.sqlite.ts, column-types.mysql.ts), so that a service on the other does not load drizzle's modules for it.
 */
import type { AnyColumn, Column, ColumnBaseConfig, ColumnDataType, SQL } from 'drizzle-orm';
import { sql } from '../drizzle.ts';
import type { sqliteColumnTypes } from './column-types.sqlite.ts';

/** The project's only cast: MySQL's tables to the types of SQLite's, and values to the types that drizzle expects. */
export function unsafeCast<Target>(value: unknown): Target {
  return value as Target;
}

/** In characters: a UUID, and a hash or secret of 256 bits in base64url. */
export const ID_LENGTH = 36;
export const DIGEST_LENGTH = 43;
/** The longest stored details of a request's origin, in characters. */
export const ORIGIN_LENGTHS = { address: 64, userAgent: 255, requestId: 64 };

export type ColumnTypes = typeof sqliteColumnTypes;

/** @returns a placeholder, whose value is bound when the prepared query runs. */
export const placeholder = sql.placeholder;

/** The largest number of rows to read, bound as `limit`. */
export const limitPlaceholder = placeholder('limit');

/** @returns the condition that the column equals the value bound as `name`. */
export function equals(column: AnyColumn, name: string): SQL {
  return sql`${column} = ${typedPlaceholder(name, column)}`;
}

/** @returns some columns of the table, for a selection. */
export function pickColumns<Table, Name extends keyof Table>(table: Table, ...names: Name[]) {
  return unsafeCast<Pick<Table, Name>>(Object.fromEntries(names.map((name) => [name, table[name]])));
}

/** @returns placeholders for an INSERT or the SET of an UPDATE, by the names of the table's columns. */
export function placeholdersFor<Name extends string>(
  columns: Record<Name, AnyColumn>,
  ...names: Name[]
): Record<Name, SQL> {
  return unsafeCast(Object.fromEntries(names.map((name) => [name, typedPlaceholder(name, columns[name])])));
}

/** @returns a placeholder of the column's type, which drizzle requires in the SET of an UPDATE and in selections. */
export function typedPlaceholder<Data>(
  name: string,
  column: Column<ColumnBaseConfig<ColumnDataType, string> & { data: Data }>,
): SQL<Data> {
  return sql<Data>`${sql.param(sql.placeholder(name), column)}`;
}
