/** Finds faults of the migrations before they reach a database, so that a review or CI run catches them. */
import { readdirSync } from 'node:fs';
import { findStrayDataSteps } from './data.ts';
import { countMigrations, unfinishedMessage } from './errors.ts';
import { acceptHashes, checkHashes } from './hashes.ts';
import { findLostIndexes } from './lost-indexes.ts';
import { DIALECTS, type Dialect, type Migration, migrationsFolder, readMigrations } from './migrations.ts';
import type { SchemaState } from './schema-state.ts';
import { compareWithCode } from './snapshots.ts';

/**
 * @returns one sentence for each fault in the files of both dialects, and one for each table that the migrations make and the code has no
 * more, as of a part that was left out: that is no fault.
 */
export async function checkFiles(): Promise<{ faults: string[]; notes: string[] }> {
  const [sqlite, mysql] = [readMigrations('sqlite'), readMigrations('mysql')];
  const [ofSqlite, ofMysql] = [
    await compareWithCode('sqlite', sqlite.length - 1),
    await compareWithCode('mysql', mysql.length - 1),
  ];
  const faults = [
    ...checkDialect('sqlite', sqlite, ofSqlite.matches),
    ...checkDialect('mysql', mysql, ofMysql.matches),
    ...compareNames(sqlite, mysql),
    ...halfDropped(ofSqlite.leftOver, ofMysql.leftOver),
    ...findStrayDataSteps(sqlite),
  ];
  const notes = ofSqlite.leftOver.map(
    (name) =>
      `Nothing uses the table ${name} any more. The next migration drops it with its rows: npm run manage -- db revision NAME`,
  );
  return { faults, notes };
}

/** @returns one sentence for each table that nothing uses any more on one engine, and that is gone on the other. */
function halfDropped(one: string[], other: string[]): string[] {
  const different = [...one, ...other].filter((name) => !one.includes(name) || !other.includes(name));
  return different.map((name) => `The table ${name} is dropped for one engine only.`);
}

/** Accepts an edit by hand of the newest migration, in both dialects. */
export function acceptFiles(): void {
  for (const dialect of DIALECTS) acceptHashes(dialect, readMigrations(dialect));
}

/** @returns one sentence for each difference between a database and the files. */
export function checkDatabase(state: SchemaState): string[] {
  const { applied, hashes, unknown, unfinished, migrating } = state;
  const faults = applied
    .filter(({ when, hash }) => hashes.get(when) !== hash)
    .map(({ name }) => `${name}.sql was edited after it had been applied to the database.`);
  if (unknown > 0) faults.push(`The database has ${countMigrations(unknown)} that the code does not know.`);
  if (migrating) faults.push('Another process is migrating the database.');
  else if (unfinished) faults.push(unfinishedMessage(state, unfinished));
  return faults;
}

function checkDialect(dialect: Dialect, migrations: Migration[], matchesCode: boolean): string[] {
  const faults: string[] = [];
  for (const [index, { name, when, down }] of migrations.entries()) {
    if (down === undefined) faults.push(`there is no ${name}.down.sql that takes ${name} back.`);
    // drizzle-kit's own migrator skips a migration that is older than the newest applied one.
    if (when <= (migrations[index - 1]?.when ?? 0))
      faults.push(`${name} is not newer than the one before it; make it anew on top of that one.`);
  }
  const known = new Set(migrations.flatMap(({ name }) => [`${name}.sql`, `${name}.down.sql`]));
  for (const file of readdirSync(migrationsFolder(dialect)))
    if (file.endsWith('.sql') && !known.has(file)) faults.push(`${file} is not in the journal.`);
  faults.push(...checkHashes(dialect, migrations));
  faults.push(...findLostIndexes(dialect, [-1, ...migrations.keys()]));
  if (!matchesCode)
    faults.push(
      'the tables in the code differ from the newest migration. Make one: npm run manage -- db revision NAME',
    );
  return faults.map((fault) => `${dialect}: ${fault}`);
}

function compareNames(sqlite: Migration[], mysql: Migration[]): string[] {
  const longer = sqlite.length > mysql.length ? sqlite : mysql;
  return longer.flatMap((_, index) => {
    const [one, other] = [sqlite[index]?.name, mysql[index]?.name];
    if (one === other) return [];
    return `Migration ${index} is ${one ?? 'missing'} for sqlite and ${other ?? 'missing'} for mysql.`;
  });
}
