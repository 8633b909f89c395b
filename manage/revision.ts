/**
 * manage db revision: makes a migration of what changed in the schema, for both dialects and directions. drizzle-kit makes the way
 * up, and may ask at the terminal whether something was renamed. The way down is ours.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../config/project.ts';
import { acceptFiles } from '../db/migrate/check.ts';
import {
  DIALECTS,
  type Dialect,
  givenNameOf,
  joinStatements,
  LOSES_DATA,
  migrationsFolder,
  NEEDS_HAND,
  readMigrations,
} from '../db/migrate/migrations.ts';
import {
  findRemoved,
  findUnfillable,
  generateDown,
  generateSqliteUp,
  undoRenames,
} from '../db/migrate/reverse.ts';
import { compareWithCode, loadKit, readSnapshot } from '../db/migrate/snapshots.ts';
import { print } from './terminal.ts';

/** For the dialect that a change leaves as it is. drizzle-kit's migrator fails on SQLite if a file has no statement. */
const NOTHING = '-- Nothing changes here.\nDROP TABLE IF EXISTS `__nothing`;\n';

/**
 * Makes a migration, or completes the newest one if `npx drizzle-kit generate` has made only the way up of one dialect.
 * @param custom makes empty files, to be written by hand: for moving data.
 * @throws when there is nothing to do, or drizzle-kit fails; then all files are as before.
 */
export async function revise(name: string, custom: boolean): Promise<void> {
  if (!/^[a-z0-9_]+$/.test(name))
    throw new Error(`The name ${name} must be of lower-case letters, digits and _.`);
  // Says so if it is not installed, before anything is made.
  loadKit();
  const folder = join(migrationsFolder('sqlite'), '..');
  const saved = mkdtempSync(join(tmpdir(), 'rollcall-revision-'));
  cpSync(folder, saved, { recursive: true });
  try {
    const made: Dialect[] = DIALECTS.filter((dialect) => isHalfMade(dialect, name));
    for (const dialect of DIALECTS)
      if (!made.includes(dialect) && (await generate(dialect, name, custom))) made.push(dialect);
    if (made.length === 0) throw new Error('Nothing has changed in the schema since the newest migration.');
    // A change of one dialect gets an empty migration in the other, so that both keep the same numbers.
    for (const dialect of DIALECTS) if (!made.includes(dialect)) await generate(dialect, name, true);
    for (const dialect of DIALECTS) await complete(dialect, custom, !made.includes(dialect));
    acceptFiles();
  } catch (error) {
    rmSync(folder, { recursive: true });
    cpSync(saved, folder, { recursive: true });
    throw error;
  } finally {
    rmSync(saved, { recursive: true });
  }
}

/** @returns whether the newest migration has no way down. @throws when it has another name than the one to make. */
function isHalfMade(dialect: Dialect, name: string): boolean {
  const newest = readMigrations(dialect).at(-1);
  if (!newest || newest.down !== undefined) return false;
  const given = givenNameOf(newest);
  if (given === name) return true;
  throw new Error(
    `The migration ${newest.name} for ${dialect} has no way down. Complete it first: npm run manage -- db revision ${given}`,
  );
}

/** @returns whether drizzle-kit made a migration. */
async function generate(dialect: Dialect, name: string, custom: boolean): Promise<boolean> {
  const before = readMigrations(dialect).length;
  const kit = join(PROJECT_ROOT, 'node_modules/drizzle-kit/bin.cjs');
  // As drizzle.config.ts would say. To read it, with the settings, takes as long as all else that drizzle-kit does here.
  const args = [
    'generate',
    `--dialect=${dialect}`,
    '--schema=./db/schema/for-drizzle-kit.cjs',
    `--out=./db/migrations/${dialect}`,
    '--casing=snake_case',
    `--name=${name}`,
    ...(custom ? ['--custom'] : []),
  ];
  const { status } = spawnSync(process.execPath, [kit, ...args], { cwd: PROJECT_ROOT, stdio: 'inherit' });
  if (status === 0 && readMigrations(dialect).length > before) return true;
  // Without a terminal it makes nothing and ends with 0, as it does when there is nothing to do.
  if (status === 0) {
    const { matches, leftOver } = await compareWithCode(dialect, before - 1);
    if (matches && leftOver.length === 0) return false;
  }
  throw new Error(
    `drizzle-kit generate failed for ${dialect}. If it asked whether something was renamed, run this at a terminal.`,
  );
}

/** Writes the way down, and says at the top of both files what is lost by them. */
async function complete(dialect: Dialect, custom: boolean, unchanged: boolean): Promise<void> {
  const number = readMigrations(dialect).length - 1;
  const migration = readMigrations(dialect)[number];
  if (!migration) throw new Error(`drizzle-kit has made no migration for ${dialect}.`);
  const folder = migrationsFolder(dialect);
  const up = join(folder, `${migration.name}.sql`);
  const down = join(folder, `${migration.name}.down.sql`);
  if (unchanged) {
    for (const file of [up, down]) writeFileSync(file, NOTHING);
  } else if (custom) {
    writeFileSync(
      down,
      '-- What takes the migration back, statement by statement; empty if nothing needs to.\n',
    );
  } else {
    const before = readSnapshot(dialect, number - 1);
    const after = readSnapshot(dialect, number);
    const { snapshot: undone, renames } = undoRenames(after);
    const added = findRemoved(undone, before);
    const own = readFileSync(up, 'utf8');
    const broken = dialect === 'sqlite' && own.includes('`__new_') && added.length + renames.length > 0;
    const text = broken ? joinStatements(await generateSqliteUp(before, after)) : own;
    writeFileSync(up, marked(findRemoved(before, undone), text));
    const unfilled = findUnfillable(undone, before);
    writeFileSync(
      down,
      handMarked(unfilled, marked(added, joinStatements(await generateDown(dialect, before, after)))),
    );
    for (const column of unfilled) print(`${down} needs a hand: nothing can be put into ${column}`);
  }
  print(`wrote ${up} and ${down}`);
}

function handMarked(unfilled: string[], text: string): string {
  if (unfilled.length === 0) return text;
  return `${NEEDS_HAND} nothing can be put into ${unfilled.join(', ')}. Give each row a value after the column is back and before it must have one, and take this line out.\n${text}`;
}

function marked(losses: string[], text: string): string {
  return losses.length > 0 ? `${LOSES_DATA} ${losses.join(', ')}\n${text}` : text;
}
