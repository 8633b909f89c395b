/**
 * The engine for SQLite: better-sqlite3 with one connection for each process, on a file that all processes share. Its
 * calls are synchronous, so no other request of the process runs between a transaction's BEGIN and COMMIT.
 */
import type Sqlite from 'better-sqlite3';
import { sqliteBuilder } from '../../drizzle.ts';
import { sqliteColumnTypes } from '../../schema/column-types.ts';
import { defineTables } from '../../schema/tables.ts';
import type { Engine, Reader, Rows } from '../engine.ts';
import {
  type BuiltQuery,
  compileStatement,
  makeRowMapper,
  type SelectQuery,
  type Values,
} from '../statement.ts';
import { makeCheckpointer } from './checkpoint.ts';
import { connect, retryWhileBusy, useWriteAheadLog } from './connection.ts';
import { isBusy, translateError } from './errors.ts';
import { type WatchedFile, watchFile } from './file.ts';
import { brokenReferences, withMigrationLock } from './migrations.ts';
import { makeRowCache, type RowCache } from './row-cache.ts';
import { readSnapshot } from './snapshot.ts';
import { makeTransactionQueue, SqliteStep } from './transaction.ts';

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
  if (worker) client.pragma('wal_autocheckpoint = 0');
  const watchedFile = watchFile(path);
  const checkpointer = makeCheckpointer(path);
  const rowCache = makeRowCache(client);

  function prepareStep(query: BuiltQuery, rows: Rows) {
    const { text, bind } = sqliteStatement(query);
    const statement = client.prepare(text);
    return (values: Values) => new SqliteStep(statement, bind(values), rows);
  }

  return {
    dialect: 'sqlite',
    tables: TABLES,
    build: sqliteBuilder({ casing: 'snake_case' }),
    ...makeReader(client, watchedFile, rowCache),
    write: prepareStep,
    condition: prepareStep,
    atomically: makeTransactionQueue(client, watchedFile, rowCache),
    query: (statement) => retryWhileBusy(() => client.prepare<[], Record<string, unknown>>(statement).all()),
    withMigrationLock: (work) => withMigrationLock(path, work),
    brokenReferences,
    // Its transaction hides unfinished changes from others.
    isMigrating: async () => false,
    useWriteAheadLog: () => retryWhileBusy(() => useWriteAheadLog(client)),
    checkpoint: checkpointer.checkpoint,
    readSnapshot: (work) => readSnapshot(path, work),
    poolUse: () => undefined,
    async close() {
      watchedFile.end();
      await checkpointer.end();
      client.close();
    },
  };
}

function makeReader(client: Sqlite.Database, watchedFile: WatchedFile, rowCache: RowCache): Reader {
  const [begin, commit] = [client.prepare('BEGIN'), client.prepare('COMMIT')];

  function prepareReadWith<Parent, Child>(parentQuery: SelectQuery<Parent>, childQuery: SelectQuery<Child>) {
    const [{ one }, { all }] = [prepareRead(client, parentQuery), prepareRead(client, childQuery)];
    return (values?: Values) => {
      // In one transaction, so that both are of the same state, and the file is locked once.
      begin.run();
      try {
        const parent = one(values);
        return parent && { parent, children: all(values) };
      } finally {
        commit.run();
      }
    };
  }

  /** Makes a read asynchronous, with retries while another process holds the lock. */
  function toAsyncRead<Result>(run: (values: Values) => Result) {
    return async (values: Values = {}) => {
      watchedFile.assertInPlace();
      try {
        return run(values);
      } catch (error) {
        if (isBusy(error)) return retryWhileBusy(() => run(values));
        throw translateError(error);
      }
    };
  }

  return {
    read: (query) => toAsyncRead(prepareRead(client, query).all),
    readOne: (query) => toAsyncRead(prepareRead(client, query).one),
    readOneCached: (query) => toAsyncRead(rowCache.cached(prepareRead(client, query).one, 'once a callback')),
    // There are no round trips here, so several statements are faster than a union.
    readAll(queries) {
      const reads = queries.map((query) => prepareRead(client, query));
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

function prepareRead<Row>(client: Sqlite.Database, query: SelectQuery<Row>) {
  const { text, bind } = sqliteStatement(query);
  const statement = client.prepare<unknown[], unknown[]>(text).raw();
  const toRow = makeRowMapper(query);
  return {
    all: (values?: Values) => statement.all(bind(values)).map(toRow),
    one(values?: Values) {
      const row = statement.get(bind(values));
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
