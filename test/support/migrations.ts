/**
 * Copies of the project in which tests change the schema and make migrations as a developer does, and helpers that apply
 * these migrations.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { loadSettings } from '../../config/load.ts';
import type * as Database from '../../db/database.ts';
import type { Engine } from '../../db/engines/engine.ts';
import type * as Migrator from '../../db/migrate/migrator.ts';
import { downgrade, upgrade } from '../../db/migrate/migrator.ts';
import type { MoveOptions } from '../../db/migrate/schema-state.ts';
import { BASE } from '../../db/migrate/targets.ts';
import { commonRows, fillTables, rowsOf, schemaOf } from './database-content.ts';
import { copyProject, manage, manageProcess, type Result, run } from './processes.ts';
import type { Schema } from './schema.ts';
import { squashMigrations } from './squash.ts';

/** A copy of the project with a single migration, 0000_first, whose schema a test may change. */
export class ProjectCopy {
  readonly folder: string;
  #isLoaded = false;
  #hasChangedSince = false;
  constructor(t: Test) {
    this.folder = copyProject(t);
    squashMigrations(this.folder);
  }

  /** Replaces a piece of a file's text. @throws when the file does not contain it. */
  edit(file: string, piece: string, replacement: string): void {
    this.#hasChangedSince = this.#isLoaded;
    const path = join(this.folder, file);
    const text = readFileSync(path, 'utf8');
    if (!text.includes(piece)) throw new Error(`${file} does not contain: ${piece}`);
    writeFileSync(
      path,
      text.replace(piece, () => replacement),
    );
  }

  /** @returns the text of a migration file. */
  text(dialect: 'sqlite' | 'mysql', file: string): string {
    return readFileSync(join(this.folder, 'db/migrations', dialect, file), 'utf8');
  }

  write(dialect: 'sqlite' | 'mysql', file: string, text: string): void {
    writeFileSync(join(this.folder, 'db/migrations', dialect, file), text);
  }

  /** Runs `manage db …` on that database. */
  runDb(url: string, ...args: string[]): Promise<Result> {
    // A check looks at the code of the tables as it is now, and this process keeps what it has loaded; drizzle-kit, which a revision
    // starts, writes into the output of this process.
    const [command] = args;
    const isApart = command === 'revision' || (command === 'check' && this.#hasChangedSince);
    this.#isLoaded ||= !isApart;
    const runs = isApart ? manageProcess : manage;
    return runs(['db', ...args], { folder: this.folder, environment: { DATABASE_URL: url } });
  }

  /** Runs `manage db …`, which must succeed. @returns the lines of its output. */
  async dbOutput(url: string, ...args: string[]): Promise<string[]> {
    const { code, stdout, stderr } = await this.runDb(url, ...args);
    if (code !== 0) throw new Error(`db ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
    return stdout.split('\n').filter((line) => line !== '');
  }

  /** Migrates the database with the code of the copy, in this process; that saves a second per call. */
  async migrate(
    url: string,
    direction: 'upgrade' | 'downgrade',
    target: string,
    options: MoveOptions = {},
  ): Promise<void> {
    this.#isLoaded = true;
    const migrator: typeof Migrator = await import(join(this.folder, 'db/migrate/migrator.ts'));
    const { openEngine }: typeof Database = await import(join(this.folder, 'db/database.ts'));
    const settings = loadSettings({ root: this.folder, environment: { DATABASE_URL: url } });
    const engine = await openEngine(settings, { create: direction === 'upgrade' });
    try {
      await migrator[direction](engine, target, { acceptLoss: true, ...options });
    } finally {
      await engine.close();
    }
  }

  /** Makes a migration of the changes in the schema. */
  async revise(name: string, ...flags: string[]): Promise<void> {
    await this.dbOutput('sqlite::none:', 'revision', name, ...flags);
  }

  /** Adds a migration written by hand, the same for both dialects. It does not run drizzle-kit, which saves a second. */
  addMigration(name: string, up: string[], down: string[]): void {
    for (const dialect of ['sqlite', 'mysql'] as const) {
      this.write(dialect, `${name}.sql`, up.join('--> statement-breakpoint\n'));
      this.write(dialect, `${name}.down.sql`, down.join('--> statement-breakpoint\n'));
      const journal: { entries: { idx: number; when: number; tag: string }[] } = JSON.parse(
        this.text(dialect, 'meta/_journal.json'),
      );
      const last = journal.entries.at(-1);
      if (!last) throw new Error('The journal is empty.');
      journal.entries.push({ ...last, idx: last.idx + 1, when: last.when + 1000, tag: name });
      this.write(dialect, 'meta/_journal.json', JSON.stringify(journal));
      const [before, after] = [last.idx, last.idx + 1].map((each) => String(each).padStart(4, '0'));
      this.write(dialect, `meta/${after}_snapshot.json`, this.text(dialect, `meta/${before}_snapshot.json`));
      const hashes: Record<string, string> = JSON.parse(this.text(dialect, 'meta/_hashes.json'));
      for (const file of [`${name}.sql`, `${name}.down.sql`]) {
        hashes[file] = createHash('sha256').update(this.text(dialect, file)).digest('hex');
      }
      this.write(dialect, 'meta/_hashes.json', JSON.stringify(hashes));
    }
  }
}

/** Migrates step by step in either direction. After each step, the rows of common tables and the schema must be as before. */
export class MigrationWalk {
  readonly #t: Test;
  readonly #url: string;
  readonly #move: (direction: 'upgrade' | 'downgrade', target: string) => Promise<unknown>;
  readonly #schemas = new Map<string, Schema>();
  readonly #derived: RegExp | undefined;

  /** @param derived matches the columns that migrations make of others; these are not compared. */
  constructor(
    t: Test,
    url: string,
    move: (direction: 'upgrade' | 'downgrade', target: string) => Promise<unknown>,
    derived?: RegExp,
  ) {
    this.#derived = derived;
    this.#t = t;
    this.#url = url;
    this.#move = move;
  }

  async to(direction: 'upgrade' | 'downgrade', target: string): Promise<void> {
    const before = await rowsOf(this.#url);
    await this.#move(direction, target);
    const [after, schema] = [await rowsOf(this.#url), await schemaOf(this.#url)];
    this.#t.strictSame(
      commonRows(after, before, this.#derived),
      commonRows(before, after, this.#derived),
      `${direction} to ${target} keeps the rows of common columns`,
    );
    const known = this.#schemas.get(target) ?? schema;
    this.#t.strictSame(schema, known, `${direction} to ${target} makes the same schema as before`);
    this.#schemas.set(target, known);
  }
}

/** Fills the newest schema, takes it back to that revision and migrates up again, which must make the same schema. */
export async function downUpAgain(t: Test, engine: Engine, url: string, revision: string): Promise<void> {
  await upgrade(engine);
  const schema = await schemaOf(url);
  await downgrade(engine, BASE, { acceptLoss: true });
  t.same(await rowsOf(url), {}, 'no table is left at base');
  await upgrade(engine);
  await fillTables(url);
  for (const [table, rows] of Object.entries(await rowsOf(url))) t.not(rows.length, 0, `${table} has rows`);
  await downgrade(engine, revision, { acceptLoss: true });
  await upgrade(engine);
  t.strictSame(await schemaOf(url), schema, `the schema is the same after a downgrade to ${revision}`);
}

const DOWN_OF_FAILING = ['DROP TABLE last', 'DELETE FROM middle', 'DROP TABLE half'];

/** @returns a project whose newest migration, 0001_half, has that statement between two that succeed, and a database at 0000_first. */
export async function prepareFailingMigration(
  t: Test,
  makeDatabase: (t: Test) => Promise<string>,
  statement: string,
) {
  const project = new ProjectCopy(t);
  project.addMigration(
    '0001_half',
    ['CREATE TABLE half (id int)', statement, 'CREATE TABLE last (id int)'],
    DOWN_OF_FAILING,
  );
  const url = await makeDatabase(t);
  await project.migrate(url, 'upgrade', '0000_first');
  await fillTables(url);
  return { project, url };
}

/** The names of the migrations of `copyWithThreeMigrations`. */
export const MIGRATION_NAMES = ['0000_first', '0001_one', '0002_two', '0003_three'];

/** @returns a project with three more migrations, each of which creates a table. */
export function copyWithThreeMigrations(t: Test): ProjectCopy {
  const project = new ProjectCopy(t);
  for (const name of MIGRATION_NAMES.slice(1)) {
    project.addMigration(name, [`CREATE TABLE t${name} (id int)`], [`DROP TABLE t${name}`]);
  }
  return project;
}

/** Runs a command of drizzle-kit. @param url an empty one is that of the defaults. */
export function runDrizzleKit({ folder }: ProjectCopy, url: string, ...args: string[]): Promise<Result> {
  const kit = join(folder, 'node_modules/drizzle-kit/bin.cjs');
  return run(folder, process.execPath, [kit, ...args], { environment: { DATABASE_URL: url } });
}

/** Runs `npx drizzle-kit migrate`, which must succeed. */
export async function migrateWithDrizzleKit(project: ProjectCopy, url: string): Promise<void> {
  const { code, stdout, stderr } = await runDrizzleKit(project, url, 'migrate');
  if (code !== 0) throw new Error(`drizzle-kit migrate ended with ${code}: ${stdout}${stderr}`);
}
