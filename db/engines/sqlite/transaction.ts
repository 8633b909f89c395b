/** SQLite's steps (prepared statements with their values), and the transactions that run them. */
import type Sqlite from 'better-sqlite3';
import { hasExpectedRows, PreparedStep, type Step } from '../engine.ts';
import { LOCK_TIMEOUT, retryWhileBusy } from './connection.ts';
import { isReadOnly } from './errors.ts';
import type { Prepared, ReopeningConnection } from './reopening.ts';
import type { RowCache } from './row-cache.ts';

export class SqliteStep extends PreparedStep<Prepared<Sqlite.Statement>> {}

/** Runs one write at a time, so that only the first retries while another process holds the lock. */
export function makeWriteQueue(connection: ReopeningConnection, cache: RowCache) {
  let queue: Promise<unknown> = Promise.resolve();
  return <Result>(write: (client: Sqlite.Database) => Result): Promise<Result> => {
    const deadline = Date.now() + LOCK_TIMEOUT;
    const attempt = () => {
      connection.assertInPlace();
      try {
        return write(connection.client);
      } catch (error) {
        // SQLite opens a file that can't be written for reading only, and keeps to that.
        if (isReadOnly(error) && connection.renew()) return write(connection.client);
        throw error;
      } finally {
        cache.invalidate();
      }
    };
    const done = queue.then(() => retryWhileBusy(attempt, deadline));
    queue = done.catch(() => {});
    return done;
  };
}

/**
 * Runs the steps in one transaction, which holds the write lock from its beginning.
 * @returns the step with an unexpected number of rows, after which everything is rolled back, if any.
 */
export function runTransaction(client: Sqlite.Database, steps: Step[]): Step | undefined {
  client.exec('BEGIN IMMEDIATE');
  try {
    const failed = steps.find((step) => !hasExpectedRows(step, execute(step)));
    client.exec(failed ? 'ROLLBACK' : 'COMMIT');
    return failed;
  } catch (error) {
    if (client.inTransaction) client.exec('ROLLBACK');
    throw error;
  }
}

/** @returns the number of rows that the step wrote, or 1 for a condition that found any. */
function execute(step: Step): number {
  if (!(step instanceof SqliteStep)) throw new TypeError('This step was prepared by another engine.');
  const { params } = step;
  const statement = step.statement.current;
  if (statement.reader) return statement.get(params) === undefined ? 0 : 1;
  return statement.run(params).changes;
}
