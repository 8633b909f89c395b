/**
 * drizzle-kit's snapshots: what the schema was after each migration. From two of them its API makes the statements
 * that lead from one to the other; from the tables in the code it makes the one that should be the newest.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type * as KitApi from 'drizzle-kit/api';
import { unsafeCast } from '../schema/column-types.ts';
import { type Dialect, migrationsFolder } from './migrations.ts';

export interface Column {
  name: string;
  type: string;
  notNull: boolean;
  primaryKey: boolean;
  default?: unknown;
}
interface ForeignKey {
  tableFrom: string;
  tableTo: string;
  columnsFrom: string[];
  columnsTo: string[];
}
export interface Table {
  name: string;
  columns: Record<string, Column>;
  indexes: Record<string, { columns: string[]; isUnique: boolean }>;
  foreignKeys: Record<string, ForeignKey>;
  compositePrimaryKeys: Record<string, { columns: string[] }>;
  uniqueConstraints: Record<string, { columns: string[] }>;
}
/** What we read of a snapshot; whatever else is in it is kept as it is. */
export interface Snapshot {
  id: string;
  prevId: string;
  tables: Record<string, Table>;
  /** What was renamed since the snapshot before, as quoted names: old to new. */
  _meta: { tables: Record<string, string>; columns: Record<string, string> };
}

/** Loaded when it is needed: it is large, and as an ES module it can't be loaded at all. */
function kit(): typeof KitApi {
  return createRequire(import.meta.url)('drizzle-kit/api');
}

/** @returns the snapshot after the migration of that number, counted from 0; before the first there is an empty one. */
export function readSnapshot(dialect: Dialect, number: number, folder = migrationsFolder(dialect)): Snapshot {
  const name = `${String(Math.max(number, 0)).padStart(4, '0')}_snapshot.json`;
  const snapshot: Snapshot = JSON.parse(readFileSync(join(folder, 'meta', name), 'utf8'));
  return number >= 0 ? snapshot : { ...snapshot, tables: {}, _meta: { tables: {}, columns: {} } };
}

/** @returns the snapshot of the tables as the code has them. */
async function snapshotOfCode(dialect: Dialect): Promise<Snapshot> {
  const { generateSQLiteDrizzleJson, generateMySQLDrizzleJson } = kit();
  const made =
    dialect === 'sqlite'
      ? await generateSQLiteDrizzleJson(await import('../schema/index.sqlite.ts'), undefined, 'snake_case')
      : await generateMySQLDrizzleJson(await import('../schema/index.mysql.ts'), undefined, 'snake_case');
  // As it would be read back from its file.
  return JSON.parse(JSON.stringify(made));
}

/** @returns whether the tables in the code are those after the migration of that number. */
export async function isAsInCode(dialect: Dialect, number: number): Promise<boolean> {
  const { tables } = await snapshotOfCode(dialect);
  return isDeepStrictEqual(tables, readSnapshot(dialect, number).tables);
}

/** @returns the statements that lead from one schema to the other, which may either add or remove things, not both. */
export function statementsBetween(dialect: Dialect, from: Snapshot, to: Snapshot): Promise<string[]> {
  const { generateSQLiteMigration, generateMySQLMigration } = kit();
  return dialect === 'sqlite'
    ? generateSQLiteMigration(unsafeCast<KitApi.DrizzleSQLiteSnapshotJSON>(from), unsafeCast(to))
    : generateMySQLMigration(unsafeCast<KitApi.DrizzleMySQLSnapshotJSON>(from), unsafeCast(to));
}
