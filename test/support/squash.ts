/**
 * Combines all migrations in a copy of the project into one. The tests of migrations add their own, so each new migration
 * of the project would break them otherwise.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The name of the combined migration. */
const NAME = '0000_first';
const BREAK = '\n--> statement-breakpoint\n';

interface Journal {
  entries: { idx: number; tag: string; when: number }[];
}

/** Replaces the migrations of each dialect by one, from an empty database to the newest schema and back. */
export function squashMigrations(project: string): void {
  for (const dialect of ['sqlite', 'mysql']) squash(join(project, 'db/migrations', dialect));
  // From an empty database no rows are changed.
  rmSync(join(project, 'db/migrations/data-steps'), { recursive: true });
}

function squash(folder: string): void {
  const meta = (file: string) => join(folder, 'meta', file);
  const journal: Journal = JSON.parse(readFileSync(meta('_journal.json'), 'utf8'));
  const { entries } = journal;
  const newest = entries.at(-1);
  if (!newest) throw new Error(`There is no migration in ${folder}.`);
  const read = (ending: string) => entries.map(({ tag }) => readFileSync(join(folder, tag + ending), 'utf8'));
  const files = {
    // The combined migration starts from an empty database, so it loses no data.
    [`${NAME}.sql`]: read('.sql')
      .join(BREAK)
      .replace(/^-- loses data:.*\n/gm, ''),
    [`${NAME}.down.sql`]: read('.down.sql').reverse().join(BREAK),
  };
  const number = String(newest.idx).padStart(4, '0');
  const snapshot: object = JSON.parse(readFileSync(meta(`${number}_snapshot.json`), 'utf8'));

  for (const file of readdirSync(folder)) if (file.endsWith('.sql')) rmSync(join(folder, file));
  for (const file of readdirSync(join(folder, 'meta'))) rmSync(meta(file));
  const write = (file: string, content: object) => writeFileSync(meta(file), JSON.stringify(content));
  const hashes: Record<string, string> = {};
  for (const [file, text] of Object.entries(files)) {
    writeFileSync(join(folder, file), text);
    hashes[file] = createHash('sha256').update(text).digest('hex');
  }
  write('_hashes.json', hashes);
  write('_journal.json', { ...journal, entries: [{ ...newest, idx: 0, tag: NAME }] });
  const first = {
    prevId: '00000000-0000-0000-0000-000000000000',
    _meta: { schemas: {}, tables: {}, columns: {} },
  };
  write('0000_snapshot.json', { ...snapshot, ...first });
}
