/**
 * The engine for SQLite: better-sqlite3 with one connection for each process, on a file that all processes share. Its
 * calls are synchronous, so no other request of the process runs between a transaction's BEGIN and COMMIT.
 */
import { closeSync, existsSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { sqliteBuilder } from '../../drizzle.ts';
import * as tables from '../../schema/index.sqlite.ts';
import { DatabaseUnavailableError, type Engine, type Rows } from '../engine.ts';
import {
  type BuiltQuery,
  compileStatement,
  makeRowMapper,
  type SelectQuery,
  type Values,
} from '../statement.ts';
import { makeCheckpointer } from './checkpoint.ts';
import { isBusy, translateError } from './errors.ts';
import { watchFile } from './file.ts';
import { makeRowCache } from './row-cache.ts';
import { runTransaction, SqliteStep } from './transaction.ts';

/** In milliseconds. SQLite's own wait for a lock blocks the event loop, so `retryWhileBusy` does most of it. */
const BUSY_TIMEOUT = 5;
const LOCK_TIMEOUT = 5_000;
const MIGRATION_LOCK_TIMEOUT = 120_000;

const ALL_PAGES = 2 ** 31 - 1;

/** The size to which a checkpoint truncates the WAL file, in bytes. */
const JOURNAL_SIZE_LIMIT = 64 * 1024 * 1024;

export interface SqliteOptions {
  /** Whether the database must exist already, so that it is never created, and only `checkpoint` checkpoints it. */
  worker: boolean;
}

/**
 * Opens the database file. Unless `worker` is set, it creates a missing file and folder.
 * @throws {DatabaseUnavailableError}
 */
export async function openSqlite(path: string, { worker }: SqliteOptions): Promise<Engine> {
  const client = await retryWhileBusy(() => connect(path, { create: !worker }));
  if (worker) client.pragma('wal_autocheckpoint = 0');
  const watchedFile = watchFile(path);
  const checkpointer = makeCheckpointer(path);
  const rowCache = makeRowCache(client);
  // One transaction at a time, so that only the first retries while another process holds the lock.
  let queue: Promise<unknown> = Promise.resolve();
  const build = sqliteBuilder({ casing: 'snake_case' });

  function prepareRead<Row>(query: SelectQuery<Row>) {
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

  const [begin, commit] = [client.prepare('BEGIN'), client.prepare('COMMIT')];
  function prepareReadWith<Parent, Child>(parentQuery: SelectQuery<Parent>, childQuery: SelectQuery<Child>) {
    const [{ one }, { all }] = [prepareRead(parentQuery), prepareRead(childQuery)];
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

  function prepareStep(query: BuiltQuery, rows: Rows) {
    const { text, bind } = sqliteStatement(query);
    const statement = client.prepare(text);
    return (values: Values) => new SqliteStep(statement, bind(values), rows);
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
    dialect: 'sqlite',
    tables,
    build,
    read: (query) => toAsyncRead(prepareRead(query).all),
    readOne: (query) => toAsyncRead(prepareRead(query).one),
    // There are no round trips here, so several statements are faster than a union.
    readAll(queries) {
      const reads = queries.map(prepareRead);
      return toAsyncRead((values) => reads.flatMap(({ all }) => all(values)));
    },
    readWith: (parentQuery, childQuery) => toAsyncRead(prepareReadWith(parentQuery, childQuery)),
    readWithCached(parentQuery, childQuery, combine) {
      const readBoth = prepareReadWith(parentQuery, childQuery);
      return toAsyncRead(
        rowCache.cached((values) => {
          const found = readBoth(values);
          return found && combine(found.parent, found.children);
        }),
      );
    },
    write: prepareStep,
    condition: prepareStep,
    atomically(steps) {
      const deadline = Date.now() + LOCK_TIMEOUT;
      const attempt = () => {
        watchedFile.checkNow();
        watchedFile.assertInPlace();
        try {
          return runTransaction(client, steps);
        } finally {
          rowCache.invalidate();
        }
      };
      const done = queue.then(() => retryWhileBusy(attempt, deadline));
      queue = done.catch(() => {});
      return done;
    },
    query: (statement) => retryWhileBusy(() => client.prepare<[], Record<string, unknown>>(statement).all()),
    async withMigrationLock(work) {
      const connection = await retryWhileBusy(() => connect(path, { create: false }));
      try {
        connection.pragma('foreign_keys = OFF');
        await retryWhileBusy(() => connection.exec('BEGIN IMMEDIATE'), Date.now() + MIGRATION_LOCK_TIMEOUT);
        const result = await work({
          query: async (statement) => connection.prepare<[], Record<string, unknown>>(statement).all(),
          run: async (statement) => {
            connection.exec(statement);
          },
          brokenReferences: async () => brokenReferences(connection),
        });
        connection.exec('COMMIT');
        return result;
      } finally {
        // This also rolls back a transaction that did not commit.
        connection.close();
      }
    },
    // Its transaction hides unfinished changes from others.
    isMigrating: async () => false,
    checkpoint: checkpointer.checkpoint,
    async backup(file) {
      if (existsSync(file)) throw new Error(`There is a file ${file} already. Name a new one.`);
      closeSync(openSync(file, 'wx', 0o600));
      // All pages in one step, because SQLite restarts a backup of several steps whenever another process writes.
      await client.backup(file, { progress: () => ALL_PAGES }).catch((error) => {
        // A partial copy must not be mistaken for a backup.
        rmSync(file, { force: true });
        throw translateError(error);
      });
    },
    async close() {
      watchedFile.end();
      await checkpointer.end();
      client.close();
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

/** @throws {DatabaseUnavailableError} */
function open(path: string, { create }: { create: boolean }): Sqlite.Database {
  try {
    if (!create) return new Sqlite(path, { timeout: BUSY_TIMEOUT, fileMustExist: true });
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // SQLite would create a file that other users can read. The WAL file inherits this mode.
    closeSync(openSync(path, 'a', 0o600));
    return new Sqlite(path, { timeout: BUSY_TIMEOUT });
  } catch (error) {
    throw cannotOpen(path, error);
  }
}

function connect(path: string, options: { create: boolean }): Sqlite.Database {
  const client = open(path, options);
  try {
    client.pragma('journal_mode = WAL');
    client.pragma('synchronous = NORMAL');
    client.pragma('foreign_keys = ON');
    client.pragma(`journal_size_limit = ${JOURNAL_SIZE_LIMIT}`);
    return client;
  } catch (error) {
    client.close();
    if (isBusy(error)) throw error;
    throw cannotOpen(path, error);
  }
}

function cannotOpen(path: string, error: unknown): DatabaseUnavailableError {
  const reason = error instanceof Error ? error.message : String(error);
  return new DatabaseUnavailableError(`the file ${path} that DATABASE_URL names can't be opened: ${reason}.`);
}

/** Retries with growing pauses until the deadline while another process holds the lock. */
async function retryWhileBusy<Result>(
  attempt: () => Result,
  deadline = Date.now() + LOCK_TIMEOUT,
): Promise<Result> {
  for (let pause = 5; ; pause = Math.min(pause * 2, 200)) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || Date.now() > deadline) throw translateError(error);
    }
    await delay(pause * (0.5 + Math.random()));
  }
}

function brokenReferences(connection: Sqlite.Database): string[] {
  const broken = connection.prepare<[], { table: string; parent: string }>('PRAGMA foreign_key_check').all();
  const counts = new Map<string, number>();
  for (const { table, parent } of broken) {
    const which = `rows of table ${table} refer to rows of ${parent} that are not there.`;
    counts.set(which, (counts.get(which) ?? 0) + 1);
  }
  return [...counts].map(([which, count]) => `${count} ${which}`);
}
