/** Reads drizzle-kit's snapshots of the schema after each migration, and generates statements from two of them. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type * as KitApi from 'drizzle-kit/api';
import { codeOf } from '../../config/errors.ts';
import { unsafeCast } from '../schema/column-types.ts';
import { defineTables } from '../schema/tables.ts';
import { type Dialect, migrationsFolder } from './migrations.ts';

export interface Column {
  name: string;
  type: string;
  notNull: boolean;
  primaryKey: boolean;
  default?: unknown;
}
export interface Table {
  name: string;
  columns: Record<string, Column>;
  indexes: Record<string, { columns: string[]; isUnique: boolean }>;
  foreignKeys: Record<
    string,
    { tableFrom: string; tableTo: string; columnsFrom: string[]; columnsTo: string[] }
  >;
  compositePrimaryKeys: Record<string, { columns: string[] }>;
  uniqueConstraints: Record<string, { columns: string[] }>;
}
/** Only the part that we read; the other properties are kept. */
export interface Snapshot {
  id: string;
  prevId: string;
  tables: Record<string, Table>;
  /** The renames since the previous snapshot, from old to new, as quoted names. */
  _meta: { tables: Record<string, string>; columns: Record<string, string> };
}

/**
 * Loaded on demand because it is large, and by require because it can't be loaded as an ES module.
 * @throws when it is not installed, as in production.
 */
export function loadKit(): typeof KitApi {
  try {
    return createRequire(import.meta.url)('drizzle-kit/api');
  } catch (error) {
    if (codeOf(error) !== 'MODULE_NOT_FOUND') throw error;
    throw new Error('This needs drizzle-kit, which is for development: run "npm ci" without --omit=dev.');
  }
}

/** @returns the file of the snapshot after migration `number`. For -1 it is that of the first, whose tables are left out. */
export function snapshotPath(dialect: Dialect, number: number): string {
  const file = `meta/${String(Math.max(number, 0)).padStart(4, '0')}_snapshot.json`;
  return join(migrationsFolder(dialect), file);
}

/** @returns the snapshot after migration `number`; an empty one for -1. */
export function readSnapshot(dialect: Dialect, number: number): Snapshot {
  const snapshot: Snapshot = JSON.parse(readFileSync(snapshotPath(dialect, number), 'utf8'));
  return number >= 0 ? snapshot : { ...snapshot, tables: {}, _meta: { tables: {}, columns: {} } };
}

/**
 * Compares the tables in the code with those after migration `number`.
 * @returns whether those in the code are the same there, and the names of those that are only there, as of a part that was left out.
 */
export async function compareWithCode(dialect: Dialect, number: number) {
  const { generateSQLiteDrizzleJson, generateMySQLDrizzleJson } = loadKit();
  const { sqliteColumnTypes } = await import('../schema/column-types.sqlite.ts');
  const { mysqlColumnTypes } = await import('../schema/column-types.mysql.ts');
  const generated =
    dialect === 'sqlite'
      ? await generateSQLiteDrizzleJson(defineTables(sqliteColumnTypes), undefined, 'snake_case')
      : await generateMySQLDrizzleJson(defineTables(mysqlColumnTypes), undefined, 'snake_case');
  // JSON drops undefined properties, as in the snapshot's file.
  const { tables }: Snapshot = JSON.parse(JSON.stringify(generated));
  const there = readSnapshot(dialect, number).tables;
  const leftOver = Object.keys(there).filter((name) => !tables[name]);
  for (const name of leftOver) delete there[name];
  return { matches: isDeepStrictEqual(tables, there), leftOver };
}

/** @returns the columns of each primary key, unique constraint and unique index of the table. */
export function uniqueKeysOf(table: Table): string[][] {
  const single = Object.values(table.columns).filter(({ primaryKey }) => primaryKey);
  const keys = [
    ...Object.values(table.compositePrimaryKeys),
    ...Object.values(table.uniqueConstraints),
    ...Object.values(table.indexes).filter(({ isUnique }) => isUnique),
  ];
  return [...single.map(({ name }) => [name]), ...keys.map(({ columns }) => columns)];
}

/** The schemas must differ only in additions or only in removals; otherwise drizzle-kit asks about renames. */
export function generateStatements(dialect: Dialect, from: Snapshot, to: Snapshot): Promise<string[]> {
  const { generateSQLiteMigration, generateMySQLMigration } = loadKit();
  return dialect === 'sqlite'
    ? generateSQLiteMigration(unsafeCast<KitApi.DrizzleSQLiteSnapshotJSON>(from), unsafeCast(to))
    : generateMySQLMigration(unsafeCast<KitApi.DrizzleMySQLSnapshotJSON>(from), unsafeCast(to));
}
