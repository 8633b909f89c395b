/**
 * Notes the statements that reach the engine, however they got there: SQLite's by the driver's own methods, and MySQL's
 * by what its driver tells of them. What begins and ends transactions, and sets up a connection, does not count.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import Sqlite from 'better-sqlite3';
import type { Test } from 'tap';

const QUERIES = 'tracing:mysql2:query:start';
const NOT_COUNTED = /^(START TRANSACTION|COMMIT|ROLLBACK|SET )/;

/** @returns a function that gives the texts of the statements since it was last asked, until the test ends. */
export function noteStatements(t: Test): () => string[] {
  let texts: string[] = [];
  // To look whether a row still holds, and to read it if not, counts as one: which it is depends on what was asked before.
  let looking = false;
  const client = new Sqlite(':memory:');
  const statement: Pick<Sqlite.Statement, 'all' | 'get' | 'run'> = Object.getPrototypeOf(
    client.prepare('SELECT 1'),
  );
  client.close();
  for (const method of ['all', 'get', 'run'] as const) {
    const original = statement[method];
    t.intercept(statement, method, {
      value(this: Sqlite.Statement, ...values: unknown[]) {
        if (!looking) texts.push(this.source);
        looking = this.source === 'PRAGMA data_version';
        if (looking) queueMicrotask(() => (looking = false));
        return original.apply(this, values);
      },
    });
  }
  const onQuery = (message: unknown) => {
    const told = typeof message === 'object' && message !== null && 'query' in message ? message.query : '';
    const text = String(told);
    if (!NOT_COUNTED.test(text.trimStart())) texts.push(text);
  };
  subscribe(QUERIES, onQuery);
  t.teardown(() => unsubscribe(QUERIES, onQuery));
  return () => {
    const noted = texts;
    texts = [];
    return noted;
  };
}
