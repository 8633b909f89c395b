/**
 * What the tests of migrations share: a look at a database from outside, without the code under test, data in every
 * table of whatever schema, and copies of the project in which the schema is changed and migrated as a developer does.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import mysql, { type RowDataPacket } from 'mysql2/promise';
import type { Test } from 'tap';
import { loadSettings } from '../../config/load.ts';
import type * as Database from '../../db/database.ts';
import type * as Migrator from '../../db/migrate/migrator.ts';
import type { MoveOptions } from '../../db/migrate/schema-state.ts';
import { copyProject, type Result, run } from './processes.ts';
import { readSchema, type Schema } from './schema.ts';
import { squashMigrations } from './squash.ts';

export type Row = Record<string, unknown>;
export type Ask = (statement: string) => Promise<Row[]>;

/** Opens the database with the bare driver for the time of the work, which gets a function that runs a statement. */
export async function lookInto<Found>(url: string, work: (ask: Ask) => Promise<Found>): Promise<Found> {
  if (url.startsWith('sqlite:')) {
    const client = new Sqlite(url.slice('sqlite:'.length));
    try {
      return await work(async (statement) => {
        const prepared = client.prepare<[], Row>(statement);
        if (prepared.reader) return prepared.all();
        prepared.run();
        return [];
      });
    } finally {
      client.close();
    }
  }
  const connection = await mysql.createConnection({ uri: url, supportBigNumbers: true });
  try {
    return await work(async (statement) => {
      const [rows] = await connection.query<RowDataPacket[]>(statement);
      return Array.isArray(rows) ? rows : [];
    });
  } finally {
    await connection.end();
  }
}

/** Runs one statement. @returns its rows. */
export function ask(url: string, statement: string): Promise<Row[]> {
  return lookInto(url, (run) => run(statement));
}

/** @returns the schema as the engine itself describes it. */
export function schemaOf(url: string): Promise<Schema> {
  return lookInto(url, (run) => readSchema(run, url.startsWith('sqlite:')));
}

export type Rows = Record<string, Row[]>;

/** @returns all rows of all tables, in an order that depends on nothing but them. */
export function rowsOf(url: string): Promise<Rows> {
  return lookInto(url, async (run) => {
    const rows: Rows = {};
    for (const { name } of await readSchema(run, url.startsWith('sqlite:'))) {
      rows[name] = inOrder((await run(`SELECT * FROM \`${name}\``)).map((row) => ({ ...row })));
    }
    return rows;
  });
}

function inOrder(rows: Row[]): Row[] {
  const sorted = rows.map((row) =>
    Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))),
  );
  return sorted.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

/** @returns of the first database's rows what the second one has tables and columns for. */
export function shared(rows: Rows, others: Rows): Rows {
  const kept = Object.entries(rows).filter(([table]) => others[table]);
  return Object.fromEntries(
    kept.map(([table, each]) => {
      const [other = {}] = others[table] ?? [];
      const cut = each.map((row) =>
        Object.fromEntries(Object.entries(row).filter(([name]) => name in other)),
      );
      return [table, inOrder(cut)];
    }),
  );
}

const ROWS_A_TABLE = 3;

/** Puts rows into every table, whatever its columns: each value another one, references to rows that are there. */
export async function fill(url: string): Promise<void> {
  const schema = await schemaOf(url);
  await lookInto(url, async (run) => {
    const filled = new Set<string>();
    while (filled.size < schema.length) {
      const table = schema.find(
        ({ name, references }) => !filled.has(name) && references.every(({ to }) => filled.has(to)),
      );
      if (!table) throw new Error('The tables refer to each other in a circle.');
      filled.add(table.name);
      for (let number = 1; number <= ROWS_A_TABLE; number++) {
        const names = table.columns.map(({ name }) => `\`${name}\``);
        const values = table.columns.map((column) => {
          const reference = table.references.find(({ columns }) => columns.includes(column.name));
          return madeUp(
            reference ? reference.to : table.name,
            reference ? 'id' : column.name,
            column,
            number,
          );
        });
        await run(`INSERT INTO \`${table.name}\` (${names.join(', ')}) VALUES (${values.join(', ')})`);
      }
    }
  });
}

function madeUp(
  table: string,
  name: string,
  { type, nullable }: { type: string; nullable: boolean },
  number: number,
): string {
  // One of the rows has no value wherever there need not be one.
  if (nullable && number === 2) return 'NULL';
  if (/^tinyint/i.test(type)) return String(number % 2);
  if (/^(big)?int/i.test(type)) return String(number + 10);
  const length = Number(/\((\d+)\)/.exec(type)?.[1] ?? 36);
  // Characters of four bytes where they may be, which a careless copy would lose.
  const rest = /text|varchar/i.test(type) && name !== 'id' ? ' Ä🦊' : '';
  return `'${`${number}${rest} ${table} ${name}`.slice(0, length).trim()}'`;
}

/** A copy of the project with one migration, 0000_first, in which the schema may be changed. */
export class Scratch {
  readonly folder: string;
  constructor(t: Test) {
    this.folder = copyProject(t);
    squashMigrations(this.folder);
  }

  /** Replaces a piece of a file's text. @throws when it is not there. */
  edit(file: string, piece: string, replacement: string): void {
    const path = join(this.folder, file);
    const text = readFileSync(path, 'utf8');
    if (!text.includes(piece)) throw new Error(`${file} does not contain: ${piece}`);
    writeFileSync(
      path,
      text.replace(piece, () => replacement),
    );
  }

  /** @returns the text of a migration's file. */
  text(dialect: 'sqlite' | 'mysql', file: string): string {
    return readFileSync(join(this.folder, 'db/migrations', dialect, file), 'utf8');
  }

  write(dialect: 'sqlite' | 'mysql', file: string, text: string): void {
    writeFileSync(join(this.folder, 'db/migrations', dialect, file), text);
  }

  /** Runs `manage db …` on that database. */
  db(url: string, ...args: string[]): Promise<Result> {
    return run(this.folder, process.execPath, ['manage.ts', 'db', ...args], {
      environment: { DATABASE_URL: url },
    });
  }

  /** The same where it must succeed. @returns what it wrote, line by line. */
  async did(url: string, ...args: string[]): Promise<string[]> {
    const { code, stdout, stderr } = await this.db(url, ...args);
    if (code !== 0) throw new Error(`db ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
    return stdout.split('\n').filter((line) => line !== '');
  }

  /** Moves the database by the copy's own code, as `did` does, but without the second that a process takes. */
  async move(
    url: string,
    direction: 'upgrade' | 'downgrade',
    target: string,
    options: MoveOptions = {},
  ): Promise<void> {
    const migrator: typeof Migrator = await import(join(this.folder, 'db/migrate/migrator.ts'));
    const { openEngine }: typeof Database = await import(join(this.folder, 'db/database.ts'));
    const engine = await openEngine(loadSettings({ root: this.folder, environment: { DATABASE_URL: url } }));
    try {
      await migrator[direction](engine, target, { acceptLoss: true, ...options });
    } finally {
      await engine.close();
    }
  }

  /** Makes a migration of what was changed. */
  async revise(name: string, ...flags: string[]): Promise<void> {
    await this.did('sqlite::none:', 'revision', name, ...flags);
  }

  /** Adds a migration that is written by hand, the same for both dialects, without the second that drizzle-kit takes. */
  add(name: string, up: string[], down: string[]): void {
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

/** Moves to one migration after the other, in either direction; after each what was there before must be there. */
export class Walk {
  readonly #t: Test;
  readonly #url: string;
  readonly #move: (direction: 'upgrade' | 'downgrade', target: string) => Promise<unknown>;
  readonly #schemas = new Map<string, Schema>();

  constructor(
    t: Test,
    url: string,
    move: (direction: 'upgrade' | 'downgrade', target: string) => Promise<unknown>,
  ) {
    this.#t = t;
    this.#url = url;
    this.#move = move;
  }

  async to(direction: 'upgrade' | 'downgrade', target: string): Promise<void> {
    const before = await rowsOf(this.#url);
    await this.#move(direction, target);
    const [after, schema] = [await rowsOf(this.#url), await schemaOf(this.#url)];
    this.#t.strictSame(
      shared(after, before),
      shared(before, after),
      `${direction} to ${target} keeps the rows`,
    );
    const known = this.#schemas.get(target) ?? schema;
    this.#t.strictSame(schema, known, `${direction} to ${target} makes the same schema as ever`);
    this.#schemas.set(target, known);
  }
}

const TAKES_HALF_BACK = ['DROP TABLE last', 'DELETE FROM middle', 'DROP TABLE half'];

/** @returns a project whose newest migration has that statement between two that succeed, and a database before it. */
export async function prepareHalf(t: Test, makeDatabase: (t: Test) => Promise<string>, statement: string) {
  const scratch = new Scratch(t);
  scratch.add(
    '0001_half',
    ['CREATE TABLE half (id int)', statement, 'CREATE TABLE last (id int)'],
    TAKES_HALF_BACK,
  );
  const url = await makeDatabase(t);
  await scratch.move(url, 'upgrade', '0000_first');
  await fill(url);
  return { scratch, url };
}

/** The migrations of `withThree`. */
export const NAMES = ['0000_first', '0001_one', '0002_two', '0003_three'];

/** @returns a project with three migrations more, each of which makes a table. */
export function withThree(t: Test): Scratch {
  const scratch = new Scratch(t);
  for (const name of NAMES.slice(1)) {
    scratch.add(name, [`CREATE TABLE t${name} (id int)`], [`DROP TABLE t${name}`]);
  }
  return scratch;
}

/** Runs `npx drizzle-kit migrate`. */
export async function kitMigrates({ folder }: Scratch, url: string): Promise<void> {
  const kit = join(folder, 'node_modules/drizzle-kit/bin.cjs');
  const environment = { DATABASE_URL: url };
  const { code, stdout, stderr } = await run(folder, process.execPath, [kit, 'migrate'], { environment });
  if (code !== 0) throw new Error(`drizzle-kit migrate ended with ${code}: ${stdout}${stderr}`);
}
