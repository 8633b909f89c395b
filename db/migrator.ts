/**
 * Brings a database to the schema that the code expects. drizzle-kit writes the migrations and may apply them, too:
 * folders, journal and the table __drizzle_migrations are its own. We apply them ourselves because its migrator takes
 * no lock, and because on SQLite it rebuilds tables with foreign keys on, which silently empties those that refer to
 * them.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Engine, MigrationConnection } from './engine.ts';

export interface Migration {
  /** The file's name without its ending, such as 0003_add_title. */
  name: string;
  /** When it was generated, in milliseconds since 1970; by this the database remembers it. */
  when: number;
  /** The SHA-256 of its file. */
  hash: string;
  statements: string[];
}

/** Where a database stands. */
export interface SchemaState {
  applied: Migration[];
  pending: Migration[];
  /** How many migrations the database has that this code does not know: it is ahead. */
  unknown: number;
}

/** The database's schema is not the one that the code expects. */
export class SchemaError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SchemaError';
  }
}

/** What drizzle-kit notes of the migrations that it generated. */
interface Journal {
  entries: { tag: string; when: number }[];
}

const TABLE = '__drizzle_migrations';

// As drizzle-kit's own migrator makes it, so that either can go on where the other stopped.
const TABLE_DEFINITION = {
  sqlite: `CREATE TABLE IF NOT EXISTS ${TABLE} (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric)`,
  mysql: `CREATE TABLE IF NOT EXISTS ${TABLE} (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint)`,
};

/** @returns the migrations of that dialect in the order of their journal. */
export function readMigrations(dialect: Engine['dialect']): Migration[] {
  const folder = join(import.meta.dirname, 'migrations', dialect);
  const journal: Journal = JSON.parse(readFileSync(join(folder, 'meta', '_journal.json'), 'utf8'));
  return journal.entries.map(({ tag, when }) => {
    const text = readFileSync(join(folder, `${tag}.sql`), 'utf8');
    return {
      name: tag,
      when,
      hash: createHash('sha256').update(text).digest('hex'),
      statements: text.split('--> statement-breakpoint'),
    };
  });
}

/** @returns where the database stands; makes the table that remembers it when that is absent. */
export function inspect(engine: Engine): Promise<SchemaState> {
  return engine.exclusively((connection) => readState(engine, connection));
}

/**
 * Applies what is pending, one migrator at a time: whoever comes second finds nothing left to do.
 * @returns the migrations that were applied.
 * @throws {SchemaError} when the database is ahead of the code, or a statement fails.
 */
export function upgrade(engine: Engine): Promise<Migration[]> {
  return engine.exclusively(async (connection) => {
    const state = await readState(engine, connection);
    refuseUnknown(state);
    for (const migration of state.pending) await apply(connection, migration);
    return state.pending;
  });
}

/**
 * Makes sure, when the service starts, that the database has the schema that the code expects.
 * @returns the migrations that were applied for it.
 * @throws {SchemaError} when it has not, and says what to do.
 */
export async function ensureSchema(engine: Engine, autoMigrate: boolean): Promise<Migration[]> {
  if (autoMigrate) return upgrade(engine);
  const state = await inspect(engine);
  refuseUnknown(state);
  const [next] = state.pending;
  if (next) {
    throw new SchemaError(
      `The database is behind the code by ${state.pending.length} migrations, the first being ${next.name}. Bring it up to date with "npm run manage -- db upgrade".`,
    );
  }
  return [];
}

async function readState(engine: Engine, connection: MigrationConnection): Promise<SchemaState> {
  await connection.run(TABLE_DEFINITION[engine.dialect]);
  const rows = await connection.query(`SELECT created_at FROM ${TABLE}`);
  const applied = new Set(rows.map((row) => Number(row.created_at)));
  const migrations = readMigrations(engine.dialect);
  const known = migrations.filter(({ when }) => applied.has(when));
  return {
    applied: known,
    pending: migrations.filter(({ when }) => !applied.has(when)),
    unknown: applied.size - known.length,
  };
}

function refuseUnknown({ unknown, applied }: SchemaState): void {
  if (unknown === 0) return;
  throw new SchemaError(
    `The database is ahead of the code: it has ${unknown} migrations that this version does not know, after ${applied.at(-1)?.name ?? 'none that it knows'}. Run the version of the code that made them.`,
  );
}

async function apply(connection: MigrationConnection, migration: Migration): Promise<void> {
  for (const statement of migration.statements) {
    try {
      await connection.run(statement);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new SchemaError(`Migration ${migration.name} failed: ${reason}, at: ${statement.trim()}`);
    }
  }
  await connection.run(
    `INSERT INTO ${TABLE} (hash, created_at) VALUES ('${migration.hash}', ${migration.when})`,
  );
}
