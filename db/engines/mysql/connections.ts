/**
 * Connections to a MySQL or MariaDB server that may drop them, be away, or stand still. mysql2's pool keeps them; what
 * it lacks is here: a limit to waiting for one, replacing old ones before the server drops them, and trying again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import mysql, { type Pool, type PoolConnection, type PoolOptions } from 'mysql2/promise';
import { driverUrl } from '../../../config/database-url.ts';
import { DatabaseUnavailableError } from '../engine.ts';
import { isLost, isServerError, unavailable } from './errors.ts';

export interface MysqlOptions {
  url: string;
  /** How many connections this process may have. */
  poolSize: number;
  /** A connection older than this is replaced before it is used, in seconds. */
  recycle: number;
}

/** All in milliseconds. */
const CONNECT_TIMEOUT = 3_000;
const ACQUIRE_TIMEOUT = 5_000;
export const STATEMENT_TIMEOUT = 15_000;
/** How long what may be tried again is, before the client is told to come back later. */
const PATIENCE = 5_000;
const CLOSE_TIMEOUT = 3_000;
/** How long a connection is kept that nobody uses. */
const IDLE_TIMEOUT = 60_000;

// Whatever the server's defaults are: text is Unicode even where the server ignores what the handshake says; wrong
// values are errors and not cut to fit; reads in an UPDATE lock what they read; and a lock is not waited for
// longer than a client would wait. A read must see what was committed before it: without autocommit, or where each COMMIT
// begins the next transaction, a connection would go on showing sessions that ended long ago. And tables must be made
// in the engine that has transactions and foreign keys.
const SESSION = [
  'SET NAMES utf8mb4 COLLATE utf8mb4_bin',
  "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO'",
  'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE',
  `SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = 5, autocommit = 1, completion_type = 0,
     foreign_key_checks = 1, sql_safe_updates = 0, default_storage_engine = InnoDB`,
];

function connectionOptions(url: string): PoolOptions {
  return {
    uri: driverUrl(url),
    charset: 'utf8mb4_bin',
    timezone: 'Z',
    connectTimeout: CONNECT_TIMEOUT,
    enableKeepAlive: true,
    keepAliveInitialDelay: 30_000,
    supportBigNumbers: true,
  };
}

/** Makes a connection by itself, outside of any pool. @throws {DatabaseUnavailableError} */
export async function connectOnce(url: string): Promise<mysql.Connection> {
  const { uri, ...options } = connectionOptions(url);
  try {
    const connection = await mysql.createConnection({ ...options, ...(uri ? { uri } : {}) });
    await prepareSession(connection);
    return connection;
  } catch (error) {
    throw unavailable(error);
  }
}

export class MysqlConnections {
  readonly #pool: Pool;
  readonly #recycle: number;
  readonly #idle: number;
  readonly #known = new WeakMap<object, { since: number; leaving?: NodeJS.Timeout }>();

  constructor({ url, poolSize, recycle }: MysqlOptions) {
    this.#recycle = recycle * 1000;
    this.#idle = Math.min(this.#recycle, IDLE_TIMEOUT);
    this.#pool = mysql.createPool({
      ...connectionOptions(url),
      connectionLimit: poolSize,
      // mysql2 would let idle connections go only if fewer may be idle than there may be, and then never keeps the
      // last one, not even of a pool of one; so that is done here.
      maxIdle: poolSize,
    });
  }

  /**
   * Gives the work a connection, and takes it back in whatever state it is left.
   * @throws {DatabaseUnavailableError} when none can be had in time; else whatever the work throws.
   */
  async use<Result>(work: (connection: PoolConnection) => Promise<Result>): Promise<Result> {
    const connection = await this.#acquire();
    try {
      const result = await work(connection);
      this.#release(connection);
      return result;
    } catch (error) {
      // A connection that failed, or whose statement is still running, must not serve anybody else.
      if (isServerError(error)) this.#release(connection);
      else connection.destroy();
      throw error;
    }
  }

  async #acquire(): Promise<PoolConnection> {
    const deadline = Date.now() + ACQUIRE_TIMEOUT;
    for (;;) {
      const connection = await this.#take(deadline - Date.now());
      const known = this.#known.get(connection.connection);
      if (known === undefined) {
        await prepareSession(connection);
        this.#known.set(connection.connection, { since: Date.now() });
        return connection;
      }
      clearTimeout(known.leaving);
      if (Date.now() - known.since < this.#recycle) return connection;
      connection.destroy();
    }
  }

  /** Gives a connection back, which is closed if nobody takes it for long. */
  #release(connection: PoolConnection): void {
    connection.release();
    const known = this.#known.get(connection.connection);
    if (known) known.leaving = setTimeout(() => connection.destroy(), this.#idle).unref();
  }

  /** mysql2 would wait for a free connection without an end. */
  async #take(timeout: number): Promise<PoolConnection> {
    const taken = this.#pool.getConnection().catch((error) => {
      // Who is not let in can't have the database either; only, asking again at once does not help.
      throw isLost(error) ? error : unavailable(error);
    });
    const connection = await within(timeout, taken);
    if (connection !== TOO_LATE) return connection;
    taken.then(
      (late) => late.release(),
      () => {},
    );
    throw new DatabaseUnavailableError(`no connection was free within ${ACQUIRE_TIMEOUT} ms.`);
  }

  /** Takes leave of the server, unless it is away or stands still: the service can be stopped then, too. */
  async close(): Promise<void> {
    const ended = this.#pool.end().catch(() => {});
    await within(CLOSE_TIMEOUT, ended);
  }
}

const TOO_LATE = Symbol('too late');

/**
 * @returns what the promise gives, or TOO_LATE when that takes longer than so many milliseconds. By a bare timer: one that
 * is ended by an AbortController makes an error with its stack each time, which was a seventh of a read.
 */
function within<Result>(timeout: number, promise: Promise<Result>): Promise<Result | typeof TOO_LATE> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, Math.max(timeout, 0), TOO_LATE);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

async function prepareSession(connection: mysql.Connection): Promise<void> {
  try {
    // The server may stand still at any moment, this one included.
    for (const sql of SESSION) await connection.query({ sql, timeout: CONNECT_TIMEOUT });
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

/** Tries again, with growing pauses, whatever failed in a way after which it may be tried again. */
export async function persistently<Result>(
  attempt: () => Promise<Result>,
  mayRetry: (error: unknown) => boolean,
): Promise<Result> {
  const deadline = Date.now() + PATIENCE;
  for (let pause = 1; ; pause = Math.min(pause * 2, 200)) {
    try {
      return await attempt();
    } catch (error) {
      if (!mayRetry(error) || Date.now() > deadline) throw error;
    }
    await delay(pause * (0.5 + Math.random()));
  }
}
