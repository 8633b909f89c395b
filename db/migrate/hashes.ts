/**
 * Detects edited migrations without a database, by the SHA-256 of each file in meta/_hashes.json. drizzle-kit ignores
 * files in meta that begin with _.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MigrationError } from './errors.ts';
import { type Dialect, type Migration, migrationsFolder } from './migrations.ts';

/** SHA-256 in hexadecimal, by the file's name. */
type Hashes = Record<string, string>;

function hashesPath(dialect: Dialect): string {
  return join(migrationsFolder(dialect), 'meta', '_hashes.json');
}

function readHashes(dialect: Dialect): Hashes {
  const path = hashesPath(dialect);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
}

function filesOf({ name }: Migration): string[] {
  return [`${name}.sql`, `${name}.down.sql`, `../data-steps/${name}.ts`];
}

function hashFiles(dialect: Dialect, migration: Migration): Hashes {
  const hashes: Hashes = {};
  for (const file of filesOf(migration)) {
    const path = join(migrationsFolder(dialect), file);
    if (existsSync(path)) hashes[file] = createHash('sha256').update(readFileSync(path)).digest('hex');
  }
  return hashes;
}

/** A missing data step would be left out unseen. @throws {MigrationError} when a listed file of these migrations is not there. */
export function assertFilesThere(dialect: Dialect, migrations: Migration[]): void {
  const listed = readHashes(dialect);
  for (const migration of migrations)
    for (const file of filesOf(migration))
      if (listed[file] !== undefined && !existsSync(join(migrationsFolder(dialect), file)))
        throw new MigrationError(
          `${file}, which meta/_hashes.json lists, is not there. Restore it. Nothing was changed.`,
        );
}

/** @returns one sentence for each difference between the migrations' files and meta/_hashes.json. */
export function checkHashes(dialect: Dialect, migrations: Migration[]): string[] {
  const listed = readHashes(dialect);
  const faults: string[] = [];
  const present = new Set<string>();
  for (const migration of migrations) {
    const remedy =
      migration === migrations.at(-1)
        ? 'If no database has it yet, note that with "npm run manage -- db check --accept"; else restore it and make another migration.'
        : 'Restore it; what must change goes into a new migration.';
    for (const [file, hash] of Object.entries(hashFiles(dialect, migration))) {
      present.add(file);
      if (listed[file] === undefined)
        faults.push(
          `${file} is not in meta/_hashes.json. Add it with "npm run manage -- db check --accept".`,
        );
      else if (listed[file] !== hash) faults.push(`${file} was edited since it was made. ${remedy}`);
    }
  }
  for (const file of Object.keys(listed))
    if (!present.has(file)) faults.push(`${file}, which meta/_hashes.json lists, is not there.`);
  return faults;
}

/** Rewrites meta/_hashes.json. Older migrations keep their listed hashes, because databases have applied them. */
export function acceptHashes(dialect: Dialect, migrations: Migration[]): void {
  const listed = readHashes(dialect);
  const accepted: Hashes = {};
  for (const migration of migrations) {
    const kept = migration === migrations.at(-1) ? {} : listed;
    for (const [file, hash] of Object.entries(hashFiles(dialect, migration)))
      accepted[file] = kept[file] ?? hash;
  }
  writeFileSync(hashesPath(dialect), `${JSON.stringify(accepted, null, 2)}\n`);
}
