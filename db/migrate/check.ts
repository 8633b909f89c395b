/**
 * Looks for whatever would make migrations go wrong later: forgotten ones, ones that can't be taken back, ones that
 * drizzle-kit's migrator would skip, ones that were edited after they had been made, and dialects out of step.
 */
import { readdirSync } from 'node:fs';
import { unfinishedMessage } from './errors.ts';
import { acceptHashes, checkHashes } from './hashes.ts';
import { type Dialect, type Migration, migrationsFolder, readMigrations } from './migrations.ts';
import type { SchemaState } from './schema-state.ts';
import { isAsInCode } from './snapshots.ts';

/** @returns what is wrong with the files of both dialects, in sentences for the reader; nothing if all is well. */
export async function checkFiles(): Promise<string[]> {
  const sqlite = readMigrations('sqlite');
  const mysql = readMigrations('mysql');
  return [
    ...(await checkDialect('sqlite', sqlite)),
    ...(await checkDialect('mysql', mysql)),
    ...checkInStep(sqlite, mysql),
  ];
}

/** Notes the newest migration's files as they are now, in both dialects: for those who have edited them by hand. */
export function acceptFiles(): void {
  for (const dialect of ['sqlite', 'mysql'] as const) acceptHashes(dialect, readMigrations(dialect));
}

/** @returns what is wrong between a database and the files. */
export function checkDatabase(state: SchemaState): string[] {
  const { applied, hashes, unknown, unfinished, migrating } = state;
  const faults = applied
    .filter(({ when, hash }) => hashes.get(when) !== hash)
    .map(({ name }) => `${name}.sql was edited after it had been applied to the database.`);
  if (unknown > 0) faults.push(`The database has ${unknown} migrations that the code does not know.`);
  if (migrating) faults.push('Another process is migrating the database at this moment.');
  else if (unfinished) faults.push(unfinishedMessage(state, unfinished));
  return faults;
}

async function checkDialect(dialect: Dialect, migrations: Migration[]): Promise<string[]> {
  const faults: string[] = [];
  for (const [index, { name, when, down }] of migrations.entries()) {
    if (down === undefined) faults.push(`${dialect}: there is no ${name}.down.sql that takes ${name} back.`);
    if (when <= (migrations[index - 1]?.when ?? 0)) {
      faults.push(
        `${dialect}: ${name} is not newer than the one before it; make it anew on top of that one.`,
      );
    }
  }
  const known = new Set(migrations.flatMap(({ name }) => [`${name}.sql`, `${name}.down.sql`]));
  for (const file of readdirSync(migrationsFolder(dialect))) {
    if (file.endsWith('.sql') && !known.has(file)) faults.push(`${dialect}: ${file} is not in the journal.`);
  }
  faults.push(...checkHashes(dialect, migrations));
  if (!(await isAsInCode(dialect, migrations.length - 1))) {
    faults.push(
      `${dialect}: the tables in the code differ from the newest migration. Make one: npm run manage -- db revision NAME`,
    );
  }
  return faults;
}

function checkInStep(sqlite: Migration[], mysql: Migration[]): string[] {
  const faults: string[] = [];
  for (let index = 0; index < Math.max(sqlite.length, mysql.length); index++) {
    const [one, other] = [sqlite[index]?.name, mysql[index]?.name];
    if (one === other) continue;
    faults.push(`Migration ${index} is ${one ?? 'missing'} for sqlite and ${other ?? 'missing'} for mysql.`);
  }
  return faults;
}
