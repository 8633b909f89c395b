/** Steps on SQLite: prepared statements with their values, and the transaction in which a list of them happens as a whole. */
import type Sqlite from 'better-sqlite3';
import { hasRows, type Rows, type Step } from '../engine.ts';

export class SqliteStep implements Step {
  readonly rows: Rows;
  readonly #statement: Sqlite.Statement;
  readonly #params: unknown[];

  constructor(statement: Sqlite.Statement, params: unknown[], rows: Rows) {
    this.#statement = statement;
    this.#params = params;
    this.rows = rows;
  }

  /** @returns how many rows it wrote, or whether it found one. */
  run(): number {
    if (this.#statement.reader) return this.#statement.get(this.#params) === undefined ? 0 : 1;
    return this.#statement.run(this.#params).changes;
  }
}

function execute(step: Step): number {
  if (step instanceof SqliteStep) return step.run();
  throw new TypeError('This step was prepared by another engine.');
}

/** Runs the steps in one transaction that holds the write lock from its beginning. */
export function runAll(client: Sqlite.Database, steps: Step[]): Step | undefined {
  client.exec('BEGIN IMMEDIATE');
  try {
    const missed = steps.find((step) => !hasRows(step, execute(step)));
    client.exec(missed ? 'ROLLBACK' : 'COMMIT');
    return missed;
  } catch (error) {
    if (client.inTransaction) client.exec('ROLLBACK');
    throw error;
  }
}
