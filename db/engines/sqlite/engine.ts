/**
 * The engine for SQLite: better-sqlite3 with one connection for each process, on a file that all processes share. Its
 * calls are synchronous, so no other request of the process runs between a transaction's BEGIN and COMMIT.
 */
import { loadSqliteBuilder } from '../../drizzle.ts';
import { sqliteColumnTypes } from '../../schema/column-types.sqlite.ts';
import { defineTables } from '../../schema/tables.ts';
import type { Engine, Reader, Rows } from '../engine.ts';
import {
  type BuiltQuery,
  compileStatement,
  makeRowMapper,
  type SelectQuery,
  type Values,
} from '../statement.ts';
import { checkpointLog } from './checkpoint.ts';
import { connect, retryWhileBusy, useWriteAheadLog } from './connection.ts';
import { isBusy } from './errors.ts';
import { brokenReferences, withMigrationLock } from './migrations.ts';
import { ReopeningConnection } from './reopening.ts';
import { makeRowCache, type RowCache } from './row-cache.ts';
import { readSnapshot } from './snapshot.ts';
import { makeWriteQueue, runTransaction, SqliteStep } from './transaction.ts';

const TABLES = defineTables(sqliteColumnTypes);

export interface SqliteOptions {
  /** Whether to create a missing file and folder. */
  create: boolean;
  /** Whether only `checkpoint` checkpoints the database. */
  worker: boolean;
}

/** Opens the database file. @throws {MissingDatabaseError} @throws {DatabaseUnavailableError} */
export async function openSqlite(path: string, { create, worker }: SqliteOptions): Promise<Engine> {
  const client = await retryWhileBusy(() => connect(path, { create }));
  const connection = new ReopeningConnection(path, client, (opened) => {
    if (worker) opened.pragma('wal_autocheckpoint = 0');
  });
  const rowCache = makeRowCache(connection);
  const enqueue = makeWriteQueue(connection, rowCache);

  function prepareStep(query: BuiltQuery, rows: Rows) {
    const { text, bind } = sqliteStatement(query);
    const statement = connection.prepare((client) => client.prepare(text));
    return (values: Values) => new SqliteStep(statement, bind(values), rows);
  }

  return {
    dialect: 'sqlite',
    tables: TABLES,
    build: loadSqliteBuilder()({ casing: 'snake_case' }),
    ...makeReader(connection, rowCache),
    write: prepareStep,
    condition: prepareStep,
    atomically: (steps) => enqueue((client) => runTransaction(client, steps)),
    // A transaction that is rolled back would not reach the disk. Rollcall itself does not use this number.
    tryWrite: () =>
      enqueue((client) => {
        client.pragma(`user_version = ${client.pragma('user_version', { simple: true })}`);
      }),
    query: (statement) =>
      runRead(connection, () => {
        connection.assertInPlace();
        return connection.client.prepare<[], Record<string, unknown>>(statement).all();
      }),
    withMigrationLock: (work) => withMigrationLock(path, work),
    brokenReferences,
    // Its transaction hides unfinished changes from others.
    isMigrating: async () => false,
    async useWriteAheadLog() {
      await retryWhileBusy(() => useWriteAheadLog(connection.client));
    },
    async checkpoint() {
      connection.assertInPlace();
      try {
        checkpointLog(connection.client);
      } catch (error) {
        throw connection.explain(error);
      }
    },
    readSnapshot: (work) => readSnapshot(path, work),
    poolUse: () => undefined,
    async close() {
      connection.close();
    },
  };
}

function makeReader(connection: ReopeningConnection, rowCache: RowCache): Reader {
  const begin = connection.prepare((client) => client.prepare('BEGIN'));
  const commit = connection.prepare((client) => client.prepare('COMMIT'));

  function prepareReadWith<Parent, Child>(parentQuery: SelectQuery<Parent>, childQuery: SelectQuery<Child>) {
    const [{ one }, { all }] = [prepareRead(connection, parentQuery), prepareRead(connection, childQuery)];
    return (values?: Values) => {
      // In one transaction, so that both are of the same state, and the file is locked once.
      begin.current.run();
      try {
        const parent = one(values);
        return parent && { parent, children: all(values) };
      } finally {
        // SQLite itself ends the transaction of some reads that fail.
        if (connection.client.inTransaction) commit.current.run();
      }
    };
  }

  const toAsyncRead =
    <Result>(read: (values: Values) => Result) =>
    (values: Values = {}) =>
      runRead(connection, () => read(values));

  return {
    read: (query) => toAsyncRead(prepareRead(connection, query).all),
    readOne: (query) => toAsyncRead(prepareRead(connection, query).one),
    readOneCached: (query) =>
      toAsyncRead(rowCache.cached(prepareRead(connection, query).one, 'once a callback')),
    // There are no round trips here, so several statements are faster than a union.
    readAll(queries) {
      const reads = queries.map((query) => prepareRead(connection, query));
      return toAsyncRead((values) => reads.flatMap(({ all }) => all(values)));
    },
    readWith: (parentQuery, childQuery) => toAsyncRead(prepareReadWith(parentQuery, childQuery)),
    readWithCached(parentQuery, childQuery, combine) {
      const readBoth = prepareReadWith(parentQuery, childQuery);
      return toAsyncRead(
        rowCache.cached((values) => {
          const found = readBoth(values);
          return found && combine(found.parent, found.children);
        }, 'always'),
      );
    },
  };
}

/** Makes a read asynchronous, with retries while another process holds the lock. */
async function runRead<Result>(connection: ReopeningConnection, read: () => Result): Promise<Result> {
  const attempt = () => {
    connection.assertOpen();
    return read();
  };
  try {
    return attempt();
  } catch (error) {
    if (isBusy(error)) return retryWhileBusy(attempt);
    throw connection.explain(error);
  }
}

function prepareRead<Row>(connection: ReopeningConnection, query: SelectQuery<Row>) {
  const { text, bind } = sqliteStatement(query);
  const statement = connection.prepare((client) => client.prepare<unknown[], unknown[]>(text).raw());
  const toRow = makeRowMapper(query);
  return {
    all: (values?: Values) => statement.current.all(bind(values)).map(toRow),
    one(values?: Values) {
      const row = statement.current.get(bind(values));
      return row && toRow(row);
    },
  };
}

/**
 * @returns the query with a plus sign before each parameter, which makes it an expression. SQLite would otherwise plan
 * the query anew for each run's values; measured in docs/performance.md.
 */
function sqliteStatement(query: BuiltQuery): ReturnType<typeof compileStatement> {
  const { text, bind } = compileStatement(query);
  return { text: text.replaceAll('?', '+?'), bind };
}
