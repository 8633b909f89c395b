/** SQLite's column types (see column-types.ts). */
import { loadSqliteCore } from '../drizzle.ts';

const sqlite = loadSqliteCore();

export const sqliteColumnTypes = {
  table: sqlite.sqliteTable,
  index: sqlite.index,
  uniqueIndex: sqlite.uniqueIndex,
  primaryKey: sqlite.primaryKey,
  foreignKey: sqlite.foreignKey,
  /** A primary key: a UUIDv7 in lower case. */
  id: () => sqlite.text().primaryKey(),
  /** The id of a row of another table. */
  ref: () => sqlite.text(),
  /** A hash or secret of 256 bits in base64url. */
  digest: () => sqlite.text(),
  /** Text of at most `length` characters, compared byte by byte. */
  string: (length: number) => sqlite.text({ length }),
  integer: () => sqlite.integer(),
  /** A time, in milliseconds since 1970. */
  instant: () => sqlite.integer(),
  flag: () => sqlite.integer({ mode: 'boolean' }),
  /** A value that no query searches: at most 64 KiB as JSON. */
  json: <Value>() => sqlite.text({ mode: 'json' }).$type<Value>(),
};
