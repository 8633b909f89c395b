/**
 * drizzle-kit takes the tables from what a file exports, those of its own dialect. This is a CommonJS file, since the exports of an ES
 * module can't be made of a list.
 */
const { mysqlColumnTypes } = require('./column-types.mysql.ts');
const { sqliteColumnTypes } = require('./column-types.sqlite.ts');
const { defineTables } = require('./tables.ts');

for (const [dialect, columnTypes] of Object.entries({ sqlite: sqliteColumnTypes, mysql: mysqlColumnTypes })) {
  const tables = defineTables(columnTypes);
  // In the order of their names, so that the order of statements does not depend on that of the code.
  for (const name of Object.keys(tables).sort()) exports[`${dialect}_${name}`] = tables[name];
}
