/** Copies the rows of a database into another one of the same schema, of whichever engine. */

import type { Engine, MigrationConnection, TableReader, TableRow } from '../engines/engine.ts';
import { readMigrations, tablesOf } from '../migrate/migrations.ts';
import { listTables } from '../migrate/other-tables.ts';

/** How many rows one statement inserts, and how many characters: MariaDB takes statements of 16 MB by default. */
const BATCH = { rows: 200, characters: 2_000_000 };

/** @returns the names of the tables that Rollcall's migrations have made, and that the database has. */
export async function findOwnTables(engine: Engine): Promise<string[]> {
  const own = tablesOf(readMigrations(engine.dialect));
  return (await listTables(engine, engine.query)).filter((name) => own.has(name.toLowerCase()));
}

/** Inserts all rows of a table, without keeping them in memory. @throws whatever `run` throws. */
export async function insertRows(
  run: MigrationConnection['run'],
  table: string,
  readTable: TableReader,
): Promise<void> {
  let batch: TableRow[] = [];
  let characters = 0;
  for await (const row of readTable(table)) {
    batch.push(row);
    for (const value of Object.values(row)) if (typeof value === 'string') characters += value.length;
    if (batch.length < BATCH.rows && characters < BATCH.characters) continue;
    await insert(run, table, batch);
    batch = [];
    characters = 0;
  }
  await insert(run, table, batch);
}

async function insert(run: MigrationConnection['run'], table: string, rows: TableRow[]): Promise<void> {
  const [first] = rows;
  if (!first) return;
  const names = Object.keys(first);
  const columns = names.map((name) => `\`${name}\``).join(', ');
  const places = `(${names.map(() => '?').join(', ')})`;
  await run(
    `INSERT INTO \`${table}\` (${columns}) VALUES ${rows.map(() => places).join(', ')}`,
    rows.flatMap((row) => names.map((name) => row[name])),
  );
}
