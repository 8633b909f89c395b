/**
 * Backups: each is one SQLite file, also of a MySQL database, with the schema that the database had. So it needs no other tool, can be
 * read with one, is brought up to date by our own migrations, and can be restored on either engine.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { codeOf, reasonOf } from '../../config/errors.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { getTableName } from '../drizzle.ts';
import { type Engine, WrongSchemaError } from '../engines/engine.ts';
import { openSqlite } from '../engines/sqlite/engine.ts';
import { countMigrations, MigrationError, unfinishedMessage } from '../migrate/errors.ts';
import { inspect, upgrade } from '../migrate/migrator.ts';
import { findOwnTables, insertRows } from './rows.ts';

/** Makes the file a backup, and tells what it is of. */
const ABOUT = '__rollcall_backup';

export interface BackupAbout {
  /** The version of Rollcall that made it. */
  version: string;
  /** In milliseconds since 1970. What was committed before is in the backup. */
  madeAt: number;
  /** The newest migration of the database. */
  migration: string;
}

/** An opened backup: a copy, with the schema of this version. */
export interface Backup extends BackupAbout {
  engine: Engine;
}

/**
 * The tables that a backup has without rows: sessions and codes may have ended by the time that it is restored, and attempts count what
 * happens now.
 */
export function passingTables({ tables: { attempts, codes, sessions } }: Engine): string[] {
  return [attempts, codes, sessions].map((table) => getTableName(table));
}

/**
 * Copies the database into a new file, which only its owner can read, while it is in use.
 * @throws {MigrationError} when the schema is unfinished or of a later version. @throws {DatabaseUnavailableError}
 * @throws {Error} when there is such a file, or it can't be written. Nothing is left of it then.
 */
export async function makeBackup(engine: Engine, file: string): Promise<BackupAbout> {
  const path = resolve(file);
  assertNew(path);
  const about = {
    version: packageJson.version,
    madeAt: Date.now(),
    migration: await newestMigration(engine),
  };
  await withFolderBeside(path, async (folder) => {
    const draft = join(folder, 'backup.db');
    await explainFailure(`The backup ${path} could not be made`, () => fillDraft(engine, draft, about));
    const descriptor = openSync(draft, 'r');
    fsyncSync(descriptor);
    closeSync(descriptor);
    assertNew(path);
    renameSync(draft, path);
  });
  return about;
}

/**
 * Opens a copy of the backup while the work runs. Its folder needs room for that.
 * @throws {Error} when the file is none, is damaged or of a later version.
 */
export async function withBackup<Result>(
  file: string,
  work: (backup: Backup) => Promise<Result>,
): Promise<Result> {
  const path = resolve(file);
  // A pipe would be waited for without a word.
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) throw new Error(`There is no file ${path}.`);
  if (statSync(path).size === 0) throw new Error(`${path} is no backup: it is empty.`);
  return withFolderBeside(path, async (folder) => {
    const copy = join(folder, 'backup.db');
    await explainFailure(`${path} could not be copied`, async () => copyFileSync(path, copy));
    const engine = await openSqlite(copy, { create: false, worker: false }).catch(() => {
      throw new Error(`${path} is no backup, or is damaged.`);
    });
    try {
      const about = await readAbout(engine, path);
      await explainFailure(`${path} is damaged`, () => checkIntegrity(engine));
      await bringUpToDate(engine, about);
      return await work({ ...about, engine });
    } finally {
      await engine.close();
    }
  });
}

/** @returns the name of the newest migration that is applied. @throws {MigrationError} when a backup could not be restored. */
async function newestMigration(engine: Engine): Promise<string> {
  const state = await inspect(engine);
  const newest = state.applied.at(-1);
  if (state.migrating)
    throw new MigrationError('Another process is migrating the database. Wait until it has ended.');
  if (state.unfinished) throw new MigrationError(unfinishedMessage(state, state.unfinished));
  if (state.unknown > 0)
    throw new MigrationError(
      `The database has ${countMigrations(state.unknown)} that this version does not know. Make the backup with the version that made them.`,
    );
  if (!newest)
    throw new MigrationError('The database has no tables of Rollcall yet: there is nothing to back up.');
  return newest.name;
}

async function fillDraft(engine: Engine, path: string, about: BackupAbout): Promise<void> {
  const draft = await openSqlite(path, { create: true, worker: false });
  try {
    await upgrade(draft, about.migration);
    // One file, which is whole once the transaction has committed.
    await draft.query('PRAGMA journal_mode = DELETE');
    const passing = passingTables(engine);
    const tables = await findOwnTables(draft);
    await engine.readSnapshot((readTable) =>
      draft.withMigrationLock(async ({ run }) => {
        for (const table of tables) {
          await run(`DELETE FROM \`${table}\``);
          if (!passing.includes(table)) await insertRows(run, table, readTable);
        }
        await run(
          `CREATE TABLE ${ABOUT} (version text NOT NULL, made_at integer NOT NULL, migration text NOT NULL)`,
        );
        await run(`INSERT INTO ${ABOUT} VALUES (?, ?, ?)`, [about.version, about.madeAt, about.migration]);
      }),
    );
  } finally {
    await draft.close();
  }
}

async function readAbout(engine: Engine, path: string): Promise<BackupAbout> {
  try {
    const [row] = await engine.query(`SELECT version, made_at, migration FROM ${ABOUT}`);
    const madeAt = new Date(Number(row?.made_at)).getTime();
    if (row && !Number.isNaN(madeAt))
      return { version: String(row.version), madeAt, migration: String(row.migration) };
  } catch (error) {
    if (!(error instanceof WrongSchemaError)) throw new Error(`${path} is damaged: ${messageOf(error)}`);
  }
  throw new Error(`${path} is a database, but no backup that "npm run manage -- db backup" has made.`);
}

async function checkIntegrity(engine: Engine): Promise<void> {
  const [first] = await engine.query('PRAGMA integrity_check(1)');
  if (first?.integrity_check !== 'ok') throw new Error(String(first?.integrity_check));
}

/** @throws {MigrationError} when the backup is of a later version. */
async function bringUpToDate(engine: Engine, { version }: BackupAbout): Promise<void> {
  const { unknown } = await inspect(engine);
  if (unknown > 0)
    throw new MigrationError(
      `The backup was made by version ${version}, and has ${countMigrations(unknown)} that this version does not know. Restore it with that version.`,
    );
  // What the migrations lose, the database that it is restored into has lost as well.
  await upgrade(engine, undefined, { acceptLoss: true });
}

/** Runs the work with a new folder beside the file, which is removed after it with all that is in it. */
async function withFolderBeside<Result>(
  path: string,
  work: (folder: string) => Promise<Result>,
): Promise<Result> {
  if (!existsSync(dirname(path))) throw new Error(`There is no folder ${dirname(path)}.`);
  const folder = mkdtempSync(`${path}.${randomBytes(2).toString('hex')}`);
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function assertNew(path: string): void {
  if (existsSync(path)) throw new Error(`There is a file ${path} already. Name a new one.`);
}

/** @throws {Error} what failed, with that in front. */
async function explainFailure<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw new Error(`${what}: ${messageOf(error)}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  const code = codeOf(error);
  return code === undefined ? reasonOf(error) : `${reasonOf(error)} (${code})`;
}
