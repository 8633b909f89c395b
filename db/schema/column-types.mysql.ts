/** MySQL's column types (see column-types.ts). */
import { loadMysqlCore } from '../drizzle.ts';
import { type ColumnTypes, DIGEST_LENGTH, ID_LENGTH, unsafeCast } from './column-types.ts';

const mysql = loadMysqlCore();

// MySQL's default collations treat Ann as ann and é as e; SQLite compares bytes.
const binaryText = mysql.customType<{ data: string; config: { length: number } }>({
  dataType: (config) => `varchar(${config?.length}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
});
const asciiText = mysql.customType<{ data: string; config: { length: number } }>({
  dataType: (config) => `char(${config?.length}) CHARACTER SET ascii COLLATE ascii_bin`,
});

// A text column, because the driver parses MySQL's JSON type but not MariaDB's.
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
