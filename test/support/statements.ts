/**
 * Records the statements that reach the engine: for SQLite through the methods of the driver, for MySQL through its
 * diagnostics channel. Statements that start or end a transaction, set up a connection or look how long SQLite's log is do not count.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import Sqlite from 'better-sqlite3';
import type { Test } from 'tap';

const QUERIES = 'tracing:mysql2:query:start';
const NOT_COUNTED = /^(START TRANSACTION|BEGIN|COMMIT|ROLLBACK|SET |PRAGMA wal_checkpoint\(NOOP\))/;

/** Records until the test ends. @returns a function that returns the statements since its last call. */
export function noteStatements(t: Test): () => string[] {
  let texts: string[] = [];
  // Checking a cached row and reading it again count as one statement, because the second one depends on the cache.
  let checkingCache = false;
  const client = new Sqlite(':memory:');
  const statement: Pick<Sqlite.Statement, 'all' | 'get' | 'run'> = Object.getPrototypeOf(
    client.prepare('SELECT 1'),
  );
  client.close();
  for (const method of ['all', 'get', 'run'] as const) {
    const original = statement[method];
    t.intercept(statement, method, {
      value(this: Sqlite.Statement, ...values: unknown[]) {
        if (NOT_COUNTED.test(this.source)) return original.apply(this, values);
        if (!checkingCache) texts.push(this.source);
        checkingCache = this.source === 'PRAGMA data_version';
        if (checkingCache) queueMicrotask(() => (checkingCache = false));
        return original.apply(this, values);
      },
    });
  }
  const onQuery = (message: unknown) => {
    const query = typeof message === 'object' && message !== null && 'query' in message ? message.query : '';
    const text = String(query);
    if (!NOT_COUNTED.test(text.trimStart())) texts.push(text);
  };
  subscribe(QUERIES, onQuery);
  t.teardown(() => unsubscribe(QUERIES, onQuery));
  return () => {
    const recorded = texts;
    texts = [];
    return recorded;
  };
}
