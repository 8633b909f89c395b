/**
 * The committed list of what each migration's files contain: the SHA-256 of every way up and way down, in
 * meta/_hashes.json. By it an edited migration is found out where there is no database to compare with, as when a
 * change is reviewed. drizzle-kit passes over files in meta that begin with _.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Dialect, type Migration, migrationsFolder } from './migrations.ts';

/** SHA-256 in hexadecimal, by the file's name. */
type Hashes = Record<string, string>;

function listOf(dialect: Dialect): string {
  return join(migrationsFolder(dialect), 'meta', '_hashes.json');
}

function readList(dialect: Dialect): Hashes {
  const list = listOf(dialect);
  return existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : {};
}

function filesOf(dialect: Dialect, { name }: Migration): Hashes {
  const files = [`${name}.sql`, `${name}.down.sql`].filter((file) =>
    existsSync(join(migrationsFolder(dialect), file)),
  );
  return Object.fromEntries(files.map((file) => [file, hashOf(join(migrationsFolder(dialect), file))]));
}

function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** @returns what differs between the migrations' files and the list, in sentences for the reader. */
export function checkHashes(dialect: Dialect, migrations: Migration[]): string[] {
  const listed = readList(dialect);
  const faults: string[] = [];
  const present = new Set<string>();
  for (const migration of migrations) {
    const renewable = migration === migrations.at(-1);
    for (const [file, hash] of Object.entries(filesOf(dialect, migration))) {
      present.add(file);
      if (listed[file] === undefined) {
        faults.push(
          `${dialect}: ${file} is not in meta/_hashes.json. Note it with "npm run manage -- db check --accept".`,
        );
      } else if (listed[file] !== hash) {
        faults.push(
          renewable
            ? `${dialect}: ${file} was edited since it was made. If no database has it yet, note that with "npm run manage -- db check --accept"; else restore it and make another migration.`
            : `${dialect}: ${file} was edited since it was made. Restore it; what must change goes into a new migration.`,
        );
      }
    }
  }
  for (const file of Object.keys(listed)) {
    if (!present.has(file)) faults.push(`${dialect}: ${file}, which meta/_hashes.json lists, is not there.`);
  }
  return faults;
}

/**
 * Notes the files of the newest migration as they are now, and those that the list lacks. What it says of earlier ones
 * stays, since they have been applied somewhere; what no migration has any more is taken off.
 */
export function acceptHashes(dialect: Dialect, migrations: Migration[]): void {
  const listed = readList(dialect);
  const accepted: Hashes = {};
  for (const migration of migrations) {
    const files = filesOf(dialect, migration);
    const kept = migration === migrations.at(-1) ? {} : listed;
    for (const [file, hash] of Object.entries(files)) accepted[file] = kept[file] ?? hash;
  }
  writeFileSync(listOf(dialect), `${JSON.stringify(accepted, null, 2)}\n`);
}
