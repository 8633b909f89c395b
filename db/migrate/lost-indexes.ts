/**
 * Finds the indexes that a foreign key needs and that migrations take away. MySQL lets them go, because migrations run without checks
 * of foreign keys, and afterwards refuses each change of a row that is referred to.
 */
import { existsSync } from 'node:fs';
import type { Dialect } from './migrations.ts';
import { readSnapshot, type Snapshot, snapshotPath, type Table, uniqueKeysOf } from './snapshots.ts';

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
  const table = tables[tableFrom];
  const indexes = Object.values(table?.indexes ?? {}).map(({ columns }) => columns);
  const begins = (columns: string[]) => columnsFrom.every((column, index) => columns[index] === column);
  if (table && [...indexes, ...uniqueKeysOf(table)].some(begins)) return undefined;
  return `an index of ${tableFrom} that begins with ${columnsFrom.join(', ')}`;
}

function missingInParent({ tables }: Snapshot, { tableTo, columnsTo }: ForeignKey): string | undefined {
  const table = tables[tableTo];
  const isSame = (columns: string[]) =>
    columns.length === columnsTo.length && columnsTo.every((column) => columns.includes(column));
  if (table && uniqueKeysOf(table).some(isSame)) return undefined;
  return `a unique index of ${tableTo} on ${columnsTo.join(', ')}`;
}
