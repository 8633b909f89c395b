/**
 * Each table is defined once and built for SQLite and for MySQL, but the TypeScript types describe only SQLite. This test
 * compares the tables that drizzle builds, so that the dialects can't diverge.
 */
import { createRequire } from 'node:module';
import type * as Core from 'drizzle-orm';
import type { MySqlTable } from 'drizzle-orm/mysql-core';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import { test } from 'tap';
import { loadMysqlCore, loadSqliteCore } from '../../db/drizzle.ts';
import { mysqlColumnTypes } from '../../db/schema/column-types.mysql.ts';
import { sqliteColumnTypes } from '../../db/schema/column-types.sqlite.ts';
import type { ColumnTypes } from '../../db/schema/column-types.ts';
import { defineTables } from '../../db/schema/tables.ts';

const mysqlCore = loadMysqlCore();
const sqliteCore = loadSqliteCore();
const sqliteTables = defineTables(sqliteColumnTypes);
const mysqlTables = defineTables(mysqlColumnTypes);

// This must be the copy of drizzle that built the tables.
const { is, getTableName, SQL }: typeof Core = createRequire(import.meta.url)('drizzle-orm');

/** The kind of each SQL type, the same for both dialects. */
const KINDS: { type: RegExp; kind: string }[] = [
  { type: /^(?:text|varchar)\((\d+)\)( CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)?$/, kind: 'text up to' },
  { type: /^(?:text|char\(\d+\) CHARACTER SET ascii COLLATE ascii_bin)$/, kind: 'key' },
  { type: /^(?:integer|int|bigint)$/, kind: 'number' },
  { type: /^boolean$/, kind: 'flag' },
  { type: /^text CHARACTER SET utf8mb4 COLLATE utf8mb4_bin$/, kind: 'json' },
];

function kindOf(type: string): string {
  for (const known of KINDS) {
    const found = known.type.exec(type);
    if (found) return `${known.kind} ${found[1] ?? ''}`.trim();
  }
  return `unknown to this test: ${type}`;
}

function nameOf(column: object): string {
  if (is(column, SQL)) return JSON.stringify(column.queryChunks);
  return 'name' in column ? String(column.name) : 'nameless';
}

/** The kind of columns whose SQL type does not show it. */
const SPECIAL: Record<string, string> = { SQLiteBoolean: 'flag', SQLiteTextJson: 'json' };

/** @returns the kind of a column, and its type in the code. */
function meaningOf(column: { columnType: string; dataType: string; getSQLType(): string }) {
  const kind = SPECIAL[column.columnType] ?? kindOf(column.getSQLType());
  const custom = kind === 'json' ? 'json' : 'string';
  return { kind, data: column.columnType.endsWith('CustomColumn') ? custom : column.dataType };
}

/** @returns the parts of a table that both dialects have. */
function describe(table: SQLiteTable | MySqlTable) {
  const { name, columns, primaryKeys, uniqueConstraints, foreignKeys, indexes, checks } = is(
    table,
    mysqlCore.MySqlTable,
  )
    ? mysqlCore.getTableConfig(table)
    : sqliteCore.getTableConfig(table);
  return {
    name,
    columns: columns.map((column) => ({
      name: column.name,
      ...meaningOf(column),
      notNull: column.notNull,
      primary: column.primary,
      unique: column.isUnique,
      hasDefault: column.hasDefault,
      default: is(column.default, SQL) ? JSON.stringify(column.default.queryChunks) : column.default,
      madeByApp: [column.defaultFn !== undefined, column.onUpdateFn !== undefined],
    })),
    primaryKeys: primaryKeys.map((key) => key.columns.map(nameOf)),
    uniqueConstraints: uniqueConstraints.map((constraint) => constraint.columns.map(nameOf)),
    references: foreignKeys.map((key) => {
      const { columns, foreignTable, foreignColumns } = key.reference();
      const to = [getTableName(foreignTable), ...foreignColumns.map(nameOf)];
      return { from: columns.map(nameOf), to, onDelete: key.onDelete, onUpdate: key.onUpdate };
    }),
    indexes: indexes.map(({ config: { name, unique, columns } }) => ({
      name,
      unique: unique === true,
      columns: columns.map(nameOf),
    })),
    checks: checks.map(({ name }) => name),
  };
}

function describeAll(tables: object) {
  return Object.entries(tables).map(([key, table]: [string, unknown]) => {
    if (!is(table, sqliteCore.SQLiteTable) && !is(table, mysqlCore.MySqlTable))
      throw new Error(`${key} is no table.`);
    return { key, ...describe(table) };
  });
}

test('Both dialects have the same schema', async (t) => {
  const [sqlite, mysql] = [describeAll(sqliteTables), describeAll(mysqlTables)];

  t.test('Every table has the same parts in both dialects', async (t) => {
    t.strictSame(
      sqlite.map(({ key, name }) => [key, name]),
      mysql.map(({ key, name }) => [key, name]),
    );
    t.ok(sqlite.length >= 5);
    for (const { key, ...table } of sqlite) {
      t.strictSame(table, describe(parseMysql(key)), `${key} is the same in both dialects`);
      t.notMatch(JSON.stringify(table), 'unknown to this test', `this test knows every type of ${key}`);
    }
  });
});

function snakeCase(column: string): string {
  return column.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** @returns the unique constraints that are not named by their table and columns. */
function misnamed({ name, columns, indexes, uniqueConstraints }: ReturnType<typeof describe>): string[] {
  return [
    ...indexes
      .filter((index) => index.unique && index.name !== [name, ...index.columns.map(snakeCase)].join('_'))
      .map((index) => index.name),
    ...uniqueConstraints.map((constraint) => constraint.join('_')),
    ...columns.filter(({ unique }) => unique).map((column) => column.name),
  ];
}

function parseMysql(key: string): MySqlTable {
  const table: unknown = Object.entries(mysqlTables).find(([name]) => name === key)?.[1];
  if (is(table, mysqlCore.MySqlTable)) return table;
  throw new Error(`MySQL has no table ${key}.`);
}

interface Parts {
  name?: string;
  column?: string;
  length?: number;
  nullable?: boolean;
  text?: string;
  flag?: boolean;
  number?: number;
  key?: 'both' | 'one';
  onDelete?: 'cascade' | 'restrict';
  onUpdate?: 'cascade';
  to?: 'id' | 'other';
  index?: string;
  indexed?: 'one' | 'both' | 'reversed';
  unique?: boolean;
  uniqueColumn?: boolean;
  more?: boolean;
  computed?: boolean;
}

/** Defines a small table with a parent; each part of it can be varied. */
function define(v: ColumnTypes, parts: Parts) {
  const parents = v.table('parents', { id: v.id(), other: v.ref().notNull() });
  const text = v.string(parts.length ?? 20).default(parts.text ?? 'a');
  const number = v
    .integer()
    .notNull()
    .default(parts.number ?? 1);
  return v.table(
    parts.name ?? 'children',
    {
      parentId: v
        .ref()
        .notNull()
        .references(() => (parts.to === 'other' ? parents.other : parents.id), {
          onDelete: parts.onDelete ?? 'cascade',
          ...(parts.onUpdate ? { onUpdate: parts.onUpdate } : {}),
        }),
      text: parts.nullable ? text : text.notNull(),
      flag: v
        .flag()
        .notNull()
        .default(parts.flag ?? true),
      number: parts.computed ? number.$defaultFn(() => 1) : number,
      plain: parts.uniqueColumn ? v.string(9).unique() : v.string(9),
      ...(parts.column ? { [parts.column]: v.instant() } : { at: v.instant() }),
      ...(parts.more ? { more: v.instant() } : {}),
    },
    (table) => {
      const make = parts.unique ? v.uniqueIndex : v.index;
      const started = make(parts.index ?? 'children_text');
      const index = {
        one: () => started.on(table.text),
        both: () => started.on(table.text, table.number),
        reversed: () => started.on(table.number, table.text),
      };
      return [
        parts.key === 'one'
          ? v.primaryKey({ columns: [table.parentId] })
          : v.primaryKey({ columns: [table.parentId, table.text] }),
        index[parts.indexed ?? 'both'](),
      ];
    },
  );
}

test('A unique index is named by its table and columns, as SQLite names it in errors', async (t) => {
  for (const table of describeAll(sqliteTables)) t.strictSame(misnamed(table), [], table.name);
  const described = (parts: Parts) =>
    misnamed(describe(define(sqliteColumnTypes, { unique: true, ...parts })));
  t.strictSame(described({ index: 'children_text_number' }), []);
  t.strictSame(described({ index: 'children_text' }), ['children_text']);
  t.strictSame(described({ index: 'children_text_number', uniqueColumn: true }), ['plain']);
});

test('The comparison of dialects finds any single difference', async (t) => {
  const described = (v: ColumnTypes, parts: Parts = {}) => describe(define(v, parts));
  const expected = described(sqliteColumnTypes);
  t.strictSame(described(mysqlColumnTypes), expected, 'the tables are the same without a difference');

  const differences: Parts[] = [
    { name: 'others' },
    { column: 'when' },
    { more: true },
    { length: 21 },
    { nullable: true },
    { text: 'A' },
    { flag: false },
    { number: 2 },
    { computed: true },
    { key: 'one' },
    { onDelete: 'restrict' },
    { onUpdate: 'cascade' },
    { to: 'other' },
    { index: 'children_other' },
    { indexed: 'one' },
    { indexed: 'reversed' },
    { unique: true },
    { uniqueColumn: true },
  ];
  for (const difference of differences) {
    t.test(`A difference between dialects is found: ${JSON.stringify(difference)}`, async (t) => {
      t.strictNotSame(described(mysqlColumnTypes, difference), expected);
      t.strictNotSame(described(mysqlColumnTypes), described(sqliteColumnTypes, difference));
    });
  }
});
