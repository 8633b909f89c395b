/** Checks the foreign keys of MySQL's tables, which are not enforced while migrations run. */
import type { Query } from '../engine.ts';

interface ForeignKey {
  child: unknown;
  parent: string;
  pairs: { reference: unknown; id: unknown }[];
}

/** @returns one message for each foreign key with dangling references. */
export async function brokenReferences(query: Query, tables: ReadonlySet<string>): Promise<string[]> {
  const parts = await query(
    `SELECT CONSTRAINT_NAME AS name, TABLE_NAME AS child, COLUMN_NAME AS reference,
            REFERENCED_TABLE_SCHEMA AS home, REFERENCED_TABLE_NAME AS parent, REFERENCED_COLUMN_NAME AS id
     FROM information_schema.KEY_COLUMN_USAGE
     WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL
     ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION`,
  );
  const keys = new Map<string, ForeignKey>();
  for (const { name, child, reference, home, parent, id } of parts) {
    if (!tables.has(String(child).toLowerCase())) continue;
    const key = keys.get(`${child} ${name}`) ?? { child, parent: `\`${home}\`.\`${parent}\``, pairs: [] };
    key.pairs.push({ reference, id });
    keys.set(`${child} ${name}`, key);
  }
  const broken: string[] = [];
  for (const { child, parent, pairs } of keys.values()) {
    const same = pairs.map(({ reference, id }) => `p.\`${id}\` = c.\`${reference}\``);
    // A foreign key of several columns is not enforced when one of them is NULL.
    const notNull = pairs.map(({ reference }) => `c.\`${reference}\` IS NOT NULL`);
    const [row] = await query(
      `SELECT COUNT(*) AS broken FROM \`${child}\` c LEFT JOIN ${parent} p ON ${same.join(' AND ')}
       WHERE ${notNull.join(' AND ')} AND p.\`${pairs[0]?.id}\` IS NULL`,
    );
    const count = Number(row?.broken);
    if (count === 0) continue;
    const columns = pairs.map(({ reference }) => reference).join(', ');
    const target = parent.replaceAll('`', '');
    broken.push(
      `${count} rows of table ${child} refer by ${columns} to rows of ${target} that are not there.`,
    );
  }
  return broken;
}
