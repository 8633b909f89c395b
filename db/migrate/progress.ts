/**
 * Records each statement of a migration on MySQL, which commits every change of the schema at once. A later run then
 * knows where to resume, and whether the file still matches what was run.
 */
import { createHash } from 'node:crypto';
import { type Engine, type MigrationConnection, type Query, WrongSchemaError } from '../engines/engine.ts';
import type { Direction, Migration } from './migrations.ts';

export interface Progress {
  name: string;
  direction: Direction;
  /** The index of the statement that was begun last. */
  statement: number;
  /** begun: unknown outcome; failed: no effect; unchecked: all took effect, but references may dangle. */
  state: 'begun' | 'failed' | 'unchecked';
  /** The hash of all statements before that one, and that one's own. */
  before: string;
  itself: string;
}

const TABLE = '__rollcall_unfinished';

const UNCHECKED = { statement: 0, state: 'unchecked', before: '', itself: '' } as const;

export type ProgressStore = ReturnType<typeof createProgressStore>;

/** @returns the functions that record progress. */
export function createProgressStore({ dialect }: Engine, { query, run }: MigrationConnection) {
  const save = async (progress: Progress, statement?: string) => {
    await run('START TRANSACTION');
    if (statement !== undefined) await run(statement);
    await run(`DELETE FROM ${TABLE}`);
    const { name, direction, state, before, itself } = progress;
    await run(
      `INSERT INTO ${TABLE} VALUES ('${name}', '${direction}', ${progress.statement}, '${state}', '${before}', '${itself}')`,
    );
    await run('COMMIT');
  };
  const mysql = {
    async createTable() {
      // Earlier versions of the service made the table without these columns. It is empty here.
      const columns = await query(
        `SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '${TABLE}'`,
      );
      if (columns.length > 0 && !columns.some(({ name }) => name === 'hash_itself'))
        await run(`DROP TABLE ${TABLE}`);
      await run(
        `CREATE TABLE IF NOT EXISTS ${TABLE} (name varchar(255) NOT NULL PRIMARY KEY, direction varchar(4) NOT NULL,
         statement int NOT NULL, state varchar(9) NOT NULL, hash_before char(64) NOT NULL, hash_itself char(64) NOT NULL)`,
      );
    },
    saveStatement(migration: Migration, direction: Direction, index: number, state: 'begun' | 'failed') {
      const { name, [direction]: parts = [] } = migration;
      const before = hashStatements(parts.slice(0, index));
      const itself = hashStatements(parts.slice(index, index + 1));
      return save({ name, direction, statement: index, state, before, itself });
    },
    /** Runs the statement that marks the migration as applied or reverted, in one transaction with the progress. */
    complete: ({ name }: Migration, direction: Direction, statement: string) =>
      save({ ...UNCHECKED, name, direction }, statement),
    saveUnchecked: (name: string, direction: Direction) => save({ ...UNCHECKED, name, direction }),
    clear: () => run(`DELETE FROM ${TABLE}`),
  };
  if (dialect === 'mysql') return mysql;
  // SQLite rolls all migrations back in one transaction.
  const ignore = async () => {};
  const complete: typeof mysql.complete = (_migration, _direction, statement) => run(statement);
  return { createTable: ignore, saveStatement: ignore, saveUnchecked: ignore, complete, clear: ignore };
}

/** @returns the SHA-256 of the statements in order, in hexadecimal. */
export function hashStatements(statements: string[]): string {
  return createHash('sha256').update(JSON.stringify(statements)).digest('hex');
}

/** @returns the progress of an unfinished migration, if there is one. */
export async function readProgress({ dialect }: Engine, query: Query): Promise<Progress | undefined> {
  if (dialect === 'sqlite') return undefined;
  const [row] = await readTable(query, `SELECT * FROM ${TABLE}`);
  if (!row) return undefined;
  return {
    name: String(row.name),
    direction: row.direction === 'down' ? 'down' : 'up',
    statement: Number(row.statement),
    state: row.state === 'failed' || row.state === 'unchecked' ? row.state : 'begun',
    before: String(row.hash_before),
    itself: String(row.hash_itself),
  };
}

/** @returns the rows of a reading statement, none when its table is missing. */
export async function readTable(query: Query, statement: string): Promise<Record<string, unknown>[]> {
  try {
    return await query(statement);
  } catch (error) {
    if (error instanceof WrongSchemaError && error.missing === 'table') return [];
    throw error;
  }
}
