/**
 * SQLite through better-sqlite3: one connection a process, on a file that all processes share. Its calls are
 * synchronous, so a list of writes runs from BEGIN to COMMIT without another request getting in between.
 */
import { closeSync, existsSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { sqliteBuilder } from '../../drizzle.ts';
import * as tables from '../../schema/index.sqlite.ts';
import { DatabaseUnavailableError, type Engine, type Rows } from '../engine.ts';
import { type BuiltQuery, rowReader, type SelectQuery, statementOf, type Values } from '../statement.ts';
import { makeCheckpointer } from './checkpoint.ts';
import { isBusy, translated } from './errors.ts';
import { watchFile } from './file.ts';
import { makeRowCache } from './row-cache.ts';
import { runAll, SqliteStep } from './transaction.ts';

// SQLite waits for a lock inside the event loop, where nobody else is served: hardly there, and then in our own time.
const BUSY_TIMEOUT = 5;
const PATIENCE = 5_000;
const MIGRATION_PATIENCE = 120_000;

const ALL_PAGES = 2 ** 31 - 1;

/** A log of writes that has grown past this is cut back when it is next emptied, in bytes. */
const JOURNAL_SIZE_LIMIT = 64 * 1024 * 1024;

export interface SqliteOptions {
  /**
   * Whether this connection serves, or looks after, a database that was made ready before, and whose log of writes is emptied
   * by `checkpoint`. It never makes a database: where that is gone, it must not begin anew.
   */
  worker: boolean;
}

/**
 * Opens the database file, and makes it and its folder when they are absent.
 * @throws {DatabaseUnavailableError} when that fails.
 */
export async function openSqlite(path: string, { worker }: SqliteOptions): Promise<Engine> {
  const client = await patiently(() => connect(path, { create: !worker }));
  if (worker) client.pragma('wal_autocheckpoint = 0');
  const inPlace = watchFile(path);
  const checkpointer = makeCheckpointer(path);
  const rowCache = makeRowCache(client);
  // One list of writes at a time: while another process holds the lock, only the first in line asks for it.
  let queue: Promise<unknown> = Promise.resolve();
  const build = sqliteBuilder({ casing: 'snake_case' });

  function prepareRead<Row>(query: SelectQuery<Row>) {
    const { text, bind } = sqliteStatement(query);
    const statement = client.prepare<unknown[], unknown[]>(text).raw();
    const toRow = rowReader(query);
    return {
      all: (values?: Values) => statement.all(bind(values)).map(toRow),
      one(values?: Values) {
        const row = statement.get(bind(values));
        return row && toRow(row);
      },
    };
  }

  function prepareReadWith<Thing, Row>(ofThing: SelectQuery<Thing>, ofList: SelectQuery<Row>) {
    const [{ one }, { all }] = [prepareRead(ofThing), prepareRead(ofList)];
    return (values?: Values) => {
      const thing = one(values);
      return thing && { thing, list: all(values) };
    };
  }

  function prepareStep(query: BuiltQuery, rows: Rows) {
    const { text, bind } = sqliteStatement(query);
    const statement = client.prepare(text);
    return (values: Values) => new SqliteStep(statement, bind(values), rows);
  }

  function reading<Result>(run: (values: Values) => Result) {
    return async (values: Values = {}) => {
      inPlace.check();
      try {
        return run(values);
      } catch (error) {
        if (isBusy(error)) return patiently(() => run(values));
        throw translated(error);
      }
    };
  }

  return {
    dialect: 'sqlite',
    tables,
    build,
    read: (query) => reading(prepareRead(query).all),
    readOne: (query) => reading(prepareRead(query).one),
    readOneCached: (query) => reading(rowCache.cached(prepareRead(query).one)),
    // Here a statement is a function call, and to put together in SQL what two of them give costs more than the second.
    readAll(queries) {
      const reads = queries.map(prepareRead);
      return reading((values) => reads.flatMap(({ all }) => all(values)));
    },
    readWith: (ofThing, ofList) => reading(prepareReadWith(ofThing, ofList)),
    readWithCached(ofThing, ofList, make) {
      const both = prepareReadWith(ofThing, ofList);
      return reading(
        rowCache.cached((values) => {
          const found = both(values);
          return found && make(found.thing, found.list);
        }),
      );
    },
    write: prepareStep,
    condition: prepareStep,
    atomically(steps) {
      const deadline = Date.now() + PATIENCE;
      const attempt = () => {
        inPlace.look();
        inPlace.check();
        try {
          return runAll(client, steps);
        } finally {
          rowCache.invalidate();
        }
      };
      const turn = queue.then(() => patiently(attempt, deadline));
      queue = turn.catch(() => {});
      return turn;
    },
    query: (statement) => patiently(() => client.prepare<[], Record<string, unknown>>(statement).all()),
    async exclusively(work) {
      const connection = await patiently(() => connect(path, { create: false }));
      try {
        connection.pragma('foreign_keys = OFF');
        await patiently(() => connection.exec('BEGIN IMMEDIATE'), Date.now() + MIGRATION_PATIENCE);
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
        // Closing undoes a transaction that was not committed.
        connection.close();
      }
    },
    // Its transaction hides what it has not finished.
    isMigrating: async () => false,
    checkpoint: checkpointer.checkpoint,
    async backup(file) {
      if (existsSync(file)) throw new Error(`There is a file ${file} already. Name a new one.`);
      closeSync(openSync(file, 'wx', 0o600));
      // In one step: a copy of several begins anew whenever another process writes.
      await client.backup(file, { progress: () => ALL_PAGES }).catch((error) => {
        // What is left would look like a copy.
        rmSync(file, { force: true });
        throw translated(error);
      });
    },
    async close() {
      inPlace.end();
      await checkpointer.end();
      client.close();
    },
  };
}

/**
 * @returns the query with a plus sign before each parameter. SQLite plans a query again at each run by the values of its
 * parameters, but not by those of expressions; measured in docs/performance.md.
 */
function sqliteStatement(query: BuiltQuery): ReturnType<typeof statementOf> {
  const { text, bind } = statementOf(query);
  return { text: text.replaceAll('?', '+?'), bind };
}

/** @throws {DatabaseUnavailableError} */
function open(path: string, { create }: { create: boolean }): Sqlite.Database {
  try {
    if (!create) return new Sqlite(path, { timeout: BUSY_TIMEOUT, fileMustExist: true });
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // Made before SQLite makes it, which would let others read the hashes in it; its log takes over the mode.
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

/** Tries again until the deadline, with growing pauses, while another process holds the lock. */
async function patiently<Result>(attempt: () => Result, deadline = Date.now() + PATIENCE): Promise<Result> {
  for (let pause = 5; ; pause = Math.min(pause * 2, 200)) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || Date.now() > deadline) throw translated(error);
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
