/** Writes to SQLite: prepared statements with their values, and the transaction in which a list of them happens, or none. */
import type Sqlite from 'better-sqlite3';
import { type Rows, touchedEnough, type Write } from '../engine.ts';

export class SqliteWrite implements Write {
  readonly rows: Rows;
  readonly #statement: Sqlite.Statement;
  readonly #params: unknown[];

  constructor(statement: Sqlite.Statement, params: unknown[], rows: Rows) {
    this.#statement = statement;
    this.#params = params;
    this.rows = rows;
  }

  /** @returns how many rows it touched. */
  run(): number {
    return this.#statement.run(this.#params).changes;
  }
}

function carryOut(write: Write): number {
  if (write instanceof SqliteWrite) return write.run();
  throw new TypeError('This write was prepared by another engine.');
}

/** Runs the writes in one transaction that holds the write lock from its beginning. */
export function runAll(client: Sqlite.Database, writes: Write[]): Write | undefined {
  client.exec('BEGIN IMMEDIATE');
  try {
    const missed = writes.find((write) => !touchedEnough(write, carryOut(write)));
    client.exec(missed ? 'ROLLBACK' : 'COMMIT');
    return missed;
  } catch (error) {
    if (client.inTransaction) client.exec('ROLLBACK');
    throw error;
  }
}
