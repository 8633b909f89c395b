/**
 * The words that a table is written in. Each table is written once, as a function of this vocabulary, and so exists
 * in both dialects: SQLite's gives the types, MySQL's is held to them by `held`, the one cast of the project. What
 * makes that honest is that every test runs on both engines.
 */
import type { Column, ColumnBaseConfig, ColumnDataType, SQL } from 'drizzle-orm';
import { mysqlCore as mysql, sql, sqliteCore as sqlite } from './drizzle.ts';

/**
 * Says that a value has a shape that the types can't know: that of its SQLite twin, where it is MySQL's, or the one that
 * drizzle takes it for. Nowhere else does the project cast.
 */
export function held<Twin>(value: unknown): Twin {
  return value as Twin;
}

/** The longest strings, in characters: an identifier (UUID), and a hash or secret of 256 bits in base64url. */
const ID_LENGTH = 36;
const DIGEST_LENGTH = 43;

export const sqliteVocabulary = {
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

export type Vocabulary = typeof sqliteVocabulary;

// MySQL would otherwise compare by its collation, where Ann is ann and é is e, and SQLite would not.
const binaryText = mysql.customType<{ data: string; config: { length: number } }>({
  dataType: (config) => `varchar(${config?.length}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
});
const asciiText = mysql.customType<{ data: string; config: { length: number } }>({
  dataType: (config) => `char(${config?.length}) CHARACTER SET ascii COLLATE ascii_bin`,
});

// As text, since MariaDB's own JSON is text to the driver, and MySQL's is not.
const jsonText = mysql.customType<{ data: unknown; driverData: string }>({
  dataType: () => 'text CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
  toDriver: (value) => JSON.stringify(value),
  fromDriver: (text) => JSON.parse(text),
});

export const mysqlVocabulary = held<Vocabulary>({
  table: mysql.mysqlTable,
  index: mysql.index,
  uniqueIndex: mysql.uniqueIndex,
  primaryKey: mysql.primaryKey,
  foreignKey: mysql.foreignKey,
  id: () => asciiText({ length: ID_LENGTH }).primaryKey(),
  ref: () => asciiText({ length: ID_LENGTH }),
  digest: () => asciiText({ length: DIGEST_LENGTH }),
  string: (length: number) => binaryText({ length }),
  integer: () => mysql.int(),
  instant: () => mysql.bigint({ mode: 'number' }),
  flag: () => mysql.boolean(),
  json: () => jsonText(),
});

/** A value that is given when the prepared query is run. */
export function given(name: string) {
  return sql.placeholder(name);
}

/** The same where drizzle asks for a value of the column's type: in the SET of an update, or a selected field. */
export function givenAs<Data>(
  name: string,
  column: Column<ColumnBaseConfig<ColumnDataType, string> & { data: Data }>,
): SQL<Data> {
  return sql<Data>`${sql.param(sql.placeholder(name), column)}`;
}
