/**
 * Makes the way back of a migration from drizzle-kit's snapshots before and after it. drizzle-kit itself only knows the
 * way up; swapping the snapshots is not enough, since what was renamed would be dropped and added (or asked about), and
 * a column that comes back must get some value in the rows that are there.
 */
import type { Dialect } from './migrations.ts';
import { type Column, type Snapshot, statementsBetween, type Table } from './snapshots.ts';

/** @returns the statements that lead from the schema after a migration back to the one before it. */
export async function reverse(dialect: Dialect, before: Snapshot, after: Snapshot): Promise<string[]> {
  const { snapshot: undone, renames } = undoRenames(after);
  return [
    ...renames.map(({ back }) => back),
    ...(await steps(dialect, undone, before, (column) => withValue(dialect, column))),
  ];
}

/**
 * @returns the way up for SQLite where drizzle-kit's own fails: when it rebuilds a table it copies every new column from
 * the old table, also those that were added or renamed by the same migration and are not there.
 */
export async function forward(before: Snapshot, after: Snapshot): Promise<string[]> {
  const { snapshot: undone, renames } = undoRenames(after);
  return [
    ...(await steps('sqlite', before, undone, (column) => column)),
    ...renames.map(({ forth }) => forth).reverse(),
  ];
}

/** First adds and then removes: told to do both at once, drizzle-kit asks whether it is a rename. */
async function steps(
  dialect: Dialect,
  from: Snapshot,
  to: Snapshot,
  added: (column: Column) => Column,
): Promise<string[]> {
  const between = union(from, to, added);
  return [
    ...(await statementsBetween(dialect, from, between)),
    ...(await statementsBetween(dialect, between, to)),
  ];
}

/** @returns the tables and columns of the one schema that the other has not, renamed ones apart. */
export function lost(from: Snapshot, to: Snapshot): string[] {
  return Object.values(from.tables).flatMap((table) => {
    const kept = to.tables[table.name];
    if (!kept) return [`table ${table.name}`];
    return Object.keys(table.columns)
      .filter((column) => !kept.columns[column])
      .map((column) => `column ${table.name}.${column}`);
  });
}

/**
 * @returns the columns that come back between the two schemas and for which no one value will do: each row would need
 * one of its own, or one that is in another table.
 */
export function withoutValue(from: Snapshot, to: Snapshot): string[] {
  return Object.values(to.tables).flatMap((table) => {
    const present = from.tables[table.name];
    if (!present) return [];
    return Object.values(table.columns)
      .filter(({ name }) => !present.columns[name])
      .flatMap((column) => {
        const why = whyNoValue(table, column);
        return why ? [`column ${table.name}.${column.name} (${why})`] : [];
      });
  });
}

function whyNoValue(table: Table, { name, notNull, primaryKey, default: value }: Column): string | undefined {
  const keys = [
    ...Object.values(table.indexes).filter(({ isUnique }) => isUnique),
    ...Object.values(table.uniqueConstraints),
    ...Object.values(table.compositePrimaryKeys),
  ];
  const unique = primaryKey || keys.some(({ columns }) => columns.includes(name));
  if (unique && (notNull || value !== undefined)) return 'unique';
  const reference = Object.values(table.foreignKeys).find(({ columnsFrom }) => columnsFrom.includes(name));
  return reference && notNull ? `refers to ${reference.tableTo}` : undefined;
}

/** The statements that give a table or column its old name again, and its new one. */
interface Rename {
  back: string;
  forth: string;
}

/** @returns the schema with the names that things had before the migration, and what renames them, in the order of the way back. */
export function undoRenames(after: Snapshot): { snapshot: Snapshot; renames: Rename[] } {
  const tableNames = new Map(
    Object.entries(after._meta.tables).map(([old, now]) => [unquoted(now).at(-1), unquoted(old).at(-1)]),
  );
  const renames: Rename[] = [];
  const oldTable = (name: string) => tableNames.get(name) ?? name;
  for (const [now, old] of tableNames) {
    renames.push({
      back: `ALTER TABLE \`${now}\` RENAME TO \`${old}\`;`,
      forth: `ALTER TABLE \`${old}\` RENAME TO \`${now}\`;`,
    });
  }

  const columnNames = new Map<string, string>();
  for (const [old, now] of Object.entries(after._meta.columns)) {
    const [table = '', nowName = ''] = unquoted(now).slice(-2);
    const oldName = unquoted(old).at(-1) ?? nowName;
    columnNames.set(`${oldTable(table)}.${nowName}`, oldName);
    const alter = `ALTER TABLE \`${oldTable(table)}\` RENAME COLUMN`;
    renames.push({
      back: `${alter} \`${nowName}\` TO \`${oldName}\`;`,
      forth: `${alter} \`${oldName}\` TO \`${nowName}\`;`,
    });
  }
  const oldColumn = (table: string) => (name: string) => columnNames.get(`${table}.${name}`) ?? name;

  const tables = Object.values(after.tables).map((table) => renamed(table, oldTable, oldColumn));
  return {
    snapshot: { ...after, tables: Object.fromEntries(tables.map((table) => [table.name, table])) },
    renames,
  };
}

function renamed(
  table: Table,
  oldTable: (name: string) => string,
  oldColumn: (table: string) => (name: string) => string,
): Table {
  const name = oldTable(table.name);
  const column = oldColumn(name);
  const withColumns = <Part extends { columns: string[] }>(parts: Record<string, Part>) =>
    mapValues(parts, (part) => ({ ...part, columns: part.columns.map(column) }));
  const columns = Object.values(table.columns).map((each) => ({ ...each, name: column(each.name) }));
  return {
    ...table,
    name,
    columns: Object.fromEntries(columns.map((each) => [each.name, each])),
    indexes: withColumns(table.indexes),
    compositePrimaryKeys: withColumns(table.compositePrimaryKeys),
    uniqueConstraints: withColumns(table.uniqueConstraints),
    foreignKeys: mapValues(table.foreignKeys, (key) => ({
      ...key,
      tableFrom: oldTable(key.tableFrom),
      tableTo: oldTable(key.tableTo),
      columnsFrom: key.columnsFrom.map(oldColumn(oldTable(key.tableFrom))),
      columnsTo: key.columnsTo.map(oldColumn(oldTable(key.tableTo))),
    })),
  };
}

/** @returns the schema with the tables and columns that only the other one has. */
function union(schema: Snapshot, other: Snapshot, added: (column: Column) => Column): Snapshot {
  const tables: Record<string, Table> = { ...schema.tables };
  for (const table of Object.values(other.tables)) {
    const present = tables[table.name];
    const missing = Object.entries(table.columns).filter(([name]) => present && !present.columns[name]);
    tables[table.name] = present
      ? {
          ...present,
          columns: {
            ...present.columns,
            ...Object.fromEntries(missing.map(([name, column]) => [name, added(column)])),
          },
        }
      : table;
  }
  return { ...schema, tables, _meta: { tables: {}, columns: {} } };
}

/** A column that must have a value gets one for the rows that are there; the next step takes the default away again. */
function withValue(dialect: Dialect, column: Column): Column {
  if (!column.notNull || column.default !== undefined) return column;
  const numeric = /^(integer|real|numeric|int|bigint|smallint|tinyint|boolean|decimal|double|float)/i.test(
    column.type,
  );
  const text = dialect === 'mysql' && /^(json|text|longtext|blob)/i.test(column.type) ? "('')" : "''";
  return { ...column, default: numeric ? 0 : text };
}

function mapValues<Value, Result>(
  record: Record<string, Value>,
  map: (value: Value) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}

/** @returns the names in a quoted path such as "users"."name". */
function unquoted(path: string): string[] {
  return path.split('.').map((name) => name.replace(/^["`]|["`]$/g, ''));
}
