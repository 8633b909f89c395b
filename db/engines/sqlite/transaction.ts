/** SQLite's steps (prepared statements with their values), and the transactions that run them. */
import type Sqlite from 'better-sqlite3';
import { hasExpectedRows, PreparedStep, type Step } from '../engine.ts';
import { LOCK_TIMEOUT, retryWhileBusy } from './connection.ts';
import type { WatchedFile } from './file.ts';
import type { RowCache } from './row-cache.ts';

export class SqliteStep extends PreparedStep<Sqlite.Statement> {}

/** Runs one transaction at a time, so that only the first retries while another process holds the lock. */
export function makeTransactionQueue(client: Sqlite.Database, file: WatchedFile, cache: RowCache) {
  let queue: Promise<unknown> = Promise.resolve();
  return (steps: Step[]): Promise<Step | undefined> => {
    const deadline = Date.now() + LOCK_TIMEOUT;
    const attempt = () => {
      file.checkNow();
      file.assertInPlace();
      try {
        return runTransaction(client, steps);
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
function runTransaction(client: Sqlite.Database, steps: Step[]): Step | undefined {
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
  const { statement, params } = step;
  if (statement.reader) return statement.get(params) === undefined ? 0 : 1;
  return statement.run(params).changes;
}
