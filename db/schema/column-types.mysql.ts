/**
 * The words that a table is written in, for MySQL. They stand apart since those who use SQLite need not carry them: with
 * drizzle's modules for them 2 MB.
 */
import { loadMysqlCore } from '../drizzle.ts';
import { type ColumnTypes, DIGEST_LENGTH, ID_LENGTH, unsafeCast } from './column-types.ts';

const mysql = loadMysqlCore();

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

export const mysqlColumnTypes = unsafeCast<ColumnTypes>({
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
