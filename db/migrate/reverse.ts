/**
 * Generates the way down of a migration from drizzle-kit's snapshots. Swapping them is not enough: drizzle-kit would
 * drop and add what was renamed, and a required column that returns needs a value in each row.
 */
import type { Dialect } from './migrations.ts';
import { type Column, generateStatements, type Snapshot, type Table, uniqueKeysOf } from './snapshots.ts';

/** @returns the statements from the schema after a migration back to the one before it. */
export async function generateDown(dialect: Dialect, before: Snapshot, after: Snapshot): Promise<string[]> {
  const { snapshot, renames } = undoRenames(after);
  const changes = await generateChanges(dialect, snapshot, before, (column) => withDefault(dialect, column));
  return [...renames.map(({ down }) => down), ...changes];
}

/** Replaces drizzle-kit's way up where it copies new or renamed columns from an old table that lacks them. */
export async function generateSqliteUp(before: Snapshot, after: Snapshot): Promise<string[]> {
  const { snapshot, renames } = undoRenames(after);
  const changes = await generateChanges('sqlite', before, snapshot, (column) => column);
  return [...changes, ...renames.map(({ up }) => up).reverse()];
}

/** Adds before it removes, because drizzle-kit asks about renames when one step does both. */
async function generateChanges(
  dialect: Dialect,
  from: Snapshot,
  to: Snapshot,
  mapAdded: (column: Column) => Column,
): Promise<string[]> {
  const between = mergeSchemas(from, to, mapAdded);
  const additions = await generateStatements(dialect, from, between);
  return [...additions, ...(await generateStatements(dialect, between, to))];
}

/** @returns the tables and columns that only `from` has. Renames must be undone before. */
export function findRemoved(from: Snapshot, to: Snapshot): string[] {
  return Object.values(from.tables).flatMap((table) => {
    const kept = to.tables[table.name];
    if (!kept) return [`table ${table.name}`];
    const removed = Object.keys(table.columns).filter((column) => !kept.columns[column]);
    return removed.map((column) => `column ${table.name}.${column}`);
  });
}

/** @returns the added columns that no single default can fill, because each row needs its own value or a reference. */
export function findUnfillable(from: Snapshot, to: Snapshot): string[] {
  return Object.values(to.tables).flatMap((table) => {
    const present = from.tables[table.name];
    if (!present) return [];
    const added = Object.values(table.columns).filter(({ name }) => !present.columns[name]);
    return added.flatMap((column) => {
      const reason = whyUnfillable(table, column);
      return reason ? [`column ${table.name}.${column.name} (${reason})`] : [];
    });
  });
}

function whyUnfillable(table: Table, { name, notNull, default: value }: Column): string | undefined {
  const unique = uniqueKeysOf(table).some((columns) => columns.includes(name));
  if (unique && (notNull || value !== undefined)) return 'unique';
  const reference = Object.values(table.foreignKeys).find(({ columnsFrom }) => columnsFrom.includes(name));
  return reference && notNull ? `refers to ${reference.tableTo}` : undefined;
}

/** The statements that rename one table or column. */
type Rename = Record<'up' | 'down', string>;

/** @returns the schema with the names from before the migration, and its renames in the order of the way down. */
export function undoRenames(after: Snapshot): { snapshot: Snapshot; renames: Rename[] } {
  const renames: Rename[] = [];
  const tableNames = new Map<string, string>();
  for (const [oldPath, newPath] of Object.entries(after._meta.tables)) {
    const [oldName = '', newName = ''] = [splitPath(oldPath).at(-1), splitPath(newPath).at(-1)];
    tableNames.set(newName, oldName);
    const rename = (from: string, to: string) => `ALTER TABLE \`${from}\` RENAME TO \`${to}\`;`;
    renames.push({ up: rename(oldName, newName), down: rename(newName, oldName) });
  }
  const oldTable = (name: string) => tableNames.get(name) ?? name;

  const columnNames = new Map<string, string>();
  for (const [oldPath, newPath] of Object.entries(after._meta.columns)) {
    const [newTable = '', newName = ''] = splitPath(newPath).slice(-2);
    const [table, oldName = newName] = [oldTable(newTable), splitPath(oldPath).at(-1)];
    columnNames.set(`${table}.${newName}`, oldName);
    const rename = (from: string, to: string) =>
      `ALTER TABLE \`${table}\` RENAME COLUMN \`${from}\` TO \`${to}\`;`;
    renames.push({ up: rename(oldName, newName), down: rename(newName, oldName) });
  }
  const oldColumn = (table: string) => (name: string) => columnNames.get(`${table}.${name}`) ?? name;

  const tables = Object.values(after.tables).map((table) => renameTable(table, oldTable, oldColumn));
  return { snapshot: { ...after, tables: indexByName(tables) }, renames };
}

function renameTable(
  table: Table,
  oldTable: (name: string) => string,
  oldColumn: (table: string) => (name: string) => string,
): Table {
  const name = oldTable(table.name);
  const renameColumns = <Part extends { columns: string[] }>(parts: Record<string, Part>) =>
    mapValues(parts, (part) => ({ ...part, columns: part.columns.map(oldColumn(name)) }));
  const columns = Object.values(table.columns).map((each) => ({ ...each, name: oldColumn(name)(each.name) }));
  return {
    ...table,
    name,
    columns: indexByName(columns),
    indexes: renameColumns(table.indexes),
    compositePrimaryKeys: renameColumns(table.compositePrimaryKeys),
    uniqueConstraints: renameColumns(table.uniqueConstraints),
    foreignKeys: mapValues(table.foreignKeys, (key) => ({
      ...key,
      tableFrom: oldTable(key.tableFrom),
      tableTo: oldTable(key.tableTo),
      columnsFrom: key.columnsFrom.map(oldColumn(oldTable(key.tableFrom))),
      columnsTo: key.columnsTo.map(oldColumn(oldTable(key.tableTo))),
    })),
  };
}

/** @returns the schema with the tables and columns of both. */
function mergeSchemas(schema: Snapshot, other: Snapshot, mapAdded: (column: Column) => Column): Snapshot {
  const tables: Record<string, Table> = { ...schema.tables };
  for (const table of Object.values(other.tables)) {
    const present = tables[table.name];
    // The spread keeps the order of the columns that are present, and appends the added ones.
    const columns = { ...present?.columns, ...mapValues(table.columns, mapAdded), ...present?.columns };
    tables[table.name] = present ? { ...present, columns } : table;
  }
  return { ...schema, tables, _meta: { tables: {}, columns: {} } };
}

/** Existing rows need a value for a required column. The next step removes the default. */
function withDefault(dialect: Dialect, column: Column): Column {
  if (!column.notNull || column.default !== undefined) return column;
  const numericTypes = /^(integer|real|numeric|int|bigint|smallint|tinyint|boolean|decimal|double|float)/i;
  const text = dialect === 'mysql' && /^(json|text|longtext|blob)/i.test(column.type) ? "('')" : "''";
  return { ...column, default: numericTypes.test(column.type) ? 0 : text };
}

function indexByName<Item extends { name: string }>(items: Item[]): Record<string, Item> {
  return Object.fromEntries(items.map((item) => [item.name, item]));
}

function mapValues<Value, Result>(
  record: Record<string, Value>,
  map: (value: Value) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}

/** @returns the names in a path such as "users"."name". */
function splitPath(path: string): string[] {
  return path.split('.').map((name) => name.replace(/^["`]|["`]$/g, ''));
}
