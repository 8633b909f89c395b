/** Checks the foreign keys of MySQL's tables, which are not enforced while migrations run. */
import type { Query } from '../engine.ts';

type Row = Record<string, unknown>;

interface ForeignKey {
  name: unknown;
  child: unknown;
  /** Its database, which is not always that of the child. */
  home: unknown;
  parent: unknown;
  pairs: Row[];
}

/** @returns one message for each foreign key that has dangling references, or lacks an index that it needs. */
export async function brokenReferences(query: Query, tables: ReadonlySet<string>): Promise<string[]> {
  const parts = await query(
    `SELECT CONSTRAINT_NAME AS name, TABLE_NAME AS child, COLUMN_NAME AS reference,
            REFERENCED_TABLE_SCHEMA AS home, REFERENCED_TABLE_NAME AS parent, REFERENCED_COLUMN_NAME AS id
     FROM information_schema.KEY_COLUMN_USAGE
     WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL
     ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION`,
  );
  const own = parts.filter(({ child }) => tables.has(String(child).toLowerCase()));
  const broken: string[] = [];
  for (const pairs of Map.groupBy(own, ({ child, name }) => `${child} ${name}`).values()) {
    const { name, child, home, parent } = pairs[0] ?? {};
    const key = { name, child, home, parent, pairs };
    const missing = await missingIndexes(query, key);
    // Without the index counting would take long, and without the parent it would fail.
    broken.push(...(missing.length > 0 ? missing : await countOrphans(query, key)));
  }
  return broken;
}

/** A foreign key without an index refuses changes of the rows that it refers to. It is also missing when its table is. */
async function missingIndexes(query: Query, { name, child, home, parent, pairs }: ForeignKey) {
  const sides = [
    { database: 'DATABASE()', table: child, columns: pairs.map(({ reference }) => reference) },
    { database: `'${home}'`, table: parent, columns: pairs.map(({ id }) => id) },
  ];
  const missing: string[] = [];
  for (const { database, table, columns } of sides) {
    const rows = await query(
      `SELECT INDEX_NAME AS name, COLUMN_NAME AS part FROM information_schema.STATISTICS
       WHERE TABLE_SCHEMA = ${database} AND TABLE_NAME = '${table}' ORDER BY INDEX_NAME, SEQ_IN_INDEX`,
    );
    const indexes = Map.groupBy(rows, (row) => row.name);
    const begins = (parts: Row[]) => columns.every((column, index) => parts[index]?.part === column);
    if (![...indexes.values()].some(begins))
      missing.push(
        `the foreign key ${name} of table ${child} needs an index of ${table} on ${columns.join(', ')}.`,
      );
  }
  return missing;
}

async function countOrphans(query: Query, { child, home, parent, pairs }: ForeignKey): Promise<string[]> {
  const same = pairs.map(({ reference, id }) => `p.\`${id}\` = c.\`${reference}\``);
  // A foreign key of several columns is not enforced when one of them is NULL.
  const notNull = pairs.map(({ reference }) => `c.\`${reference}\` IS NOT NULL`);
  const [row] = await query(
    `SELECT COUNT(*) AS broken FROM \`${child}\` c LEFT JOIN \`${home}\`.\`${parent}\` p ON ${same.join(' AND ')}
     WHERE ${notNull.join(' AND ')} AND p.\`${pairs[0]?.id}\` IS NULL`,
  );
  const count = Number(row?.broken);
  if (count === 0) return [];
  const columns = pairs.map(({ reference }) => reference).join(', ');
  return [
    `${count} rows of table ${child} refer by ${columns} to rows of ${home}.${parent} that are not there.`,
  ];
}
