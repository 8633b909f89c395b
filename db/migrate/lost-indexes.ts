/**
 * Finds the indexes that a foreign key needs and that migrations take away. MySQL lets them go, because migrations run without checks
 * of foreign keys, and afterwards refuses each change of a row that is referred to.
 */
import { existsSync } from 'node:fs';
import type { Dialect } from './migrations.ts';
import { readSnapshot, type Snapshot, snapshotPath, type Table } from './snapshots.ts';

type ForeignKey = Table['foreignKeys'][string];

/**
 * @param numbers the migrations after which the schema is looked at, in the order in which a database passes them; -1 is the empty one.
 * @returns one sentence for each foreign key that has no index after the last of them, but had one before.
 */
export function findLostIndexes(dialect: Dialect, numbers: number[]): string[] {
  const snapshots = numbers
    .filter((number) => existsSync(snapshotPath(dialect, number)))
    .map((number) => readSnapshot(dialect, number));
  const last = snapshots.at(-1);
  if (!last) return [];
  const sides = dialect === 'mysql' ? [missingInChild, missingInParent] : [missingInParent];
  return Object.values(last.tables).flatMap((table) =>
    Object.entries(table.foreignKeys).flatMap(([name, key]) =>
      sides.flatMap((missingIn) => {
        const missing = missingIn(last, key);
        const hadIt = (earlier: Snapshot) => {
          const same = earlier.tables[table.name]?.foreignKeys[name];
          return same !== undefined && missingIn(earlier, same) === undefined;
        };
        if (missing === undefined || !snapshots.some(hadIt)) return [];
        return `the foreign key ${name} needs ${missing}, and none is left. Keep the index, or remove the foreign key with it.`;
      }),
    ),
  );
}

function missingInChild({ tables }: Snapshot, { tableFrom, columnsFrom }: ForeignKey): string | undefined {
  const begins = (columns: string[]) => columnsFrom.every((column, index) => columns[index] === column);
  if (keysOf(tables[tableFrom]).some(({ columns }) => begins(columns))) return undefined;
  return `an index of ${tableFrom} that begins with ${columnsFrom.join(', ')}`;
}

function missingInParent({ tables }: Snapshot, { tableTo, columnsTo }: ForeignKey): string | undefined {
  const isKey = ({ columns, isUnique }: Key) =>
    isUnique && columns.length === columnsTo.length && columnsTo.every((column) => columns.includes(column));
  return keysOf(tables[tableTo]).some(isKey)
    ? undefined
    : `a unique index of ${tableTo} on ${columnsTo.join(', ')}`;
}

interface Key {
  columns: string[];
  isUnique: boolean;
}

/** @returns the columns of each index and key of the table. */
function keysOf(table: Table | undefined): Key[] {
  if (!table) return [];
  const single = Object.values(table.columns).filter(({ primaryKey }) => primaryKey);
  const keys = [
    ...single.map(({ name }) => [name]),
    ...[table.compositePrimaryKeys, table.uniqueConstraints].flatMap((parts) =>
      Object.values(parts).map(({ columns }) => columns),
    ),
  ];
  return [...Object.values(table.indexes), ...keys.map((columns) => ({ columns, isUnique: true }))];
}
