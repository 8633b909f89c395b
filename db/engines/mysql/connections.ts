/**
 * Connections to a MySQL or MariaDB server that may drop them, be unreachable, or hang. This adds to mysql2's pool what
 * it lacks: an acquire timeout, replacing old connections before the server drops them, and retries.
 */
import { setTimeout as delay } from 'node:timers/promises';
import mysql, {
  type ConnectionOptions,
  type Pool,
  type PoolConnection,
  type RowDataPacket,
} from 'mysql2/promise';
import { driverUrl } from '../../../config/database-url.ts';
import { DatabaseUnavailableError } from '../engine.ts';
import { isLost, isServerError, toUnavailableError, translateError } from './errors.ts';

export interface MysqlOptions {
  url: string;
  /** The largest number of connections of this process. */
  poolSize: number;
  /** The age above which a connection is replaced before use, in seconds. */
  recycle: number;
}

/** All in milliseconds. */
const CONNECT_TIMEOUT = 3_000;
const ACQUIRE_TIMEOUT = 5_000;
export const STATEMENT_TIMEOUT = 15_000;
const RETRY_TIMEOUT = 5_000;
const CLOSE_TIMEOUT = 3_000;
const IDLE_TIMEOUT = 60_000;

// These override the server's defaults: some servers ignore the handshake's character set; strict mode rejects wrong
// values instead of truncating them; REPEATABLE READ makes reads in an UPDATE lock; the lock timeout is no longer than
// clients wait. Without autocommit, or with completion_type CHAIN, a connection would keep an old snapshot and show
// ended sessions. InnoDB has transactions and foreign keys.
const SESSION_SETTINGS = [
  'SET NAMES utf8mb4 COLLATE utf8mb4_bin',
  "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO'",
  'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE',
  `SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = 5, autocommit = 1, completion_type = 0,
     foreign_key_checks = 1, sql_safe_updates = 0, default_storage_engine = InnoDB`,
];

/**
 * On a Galera cluster, each SELECT and each START TRANSACTION waits until the node has applied what any node had committed by then:
 * what has ended on one node is over on all. Writes need no more, since all of them are in transactions.
 */
const SYNC_WAIT = 'SET SESSION wsrep_sync_wait = 1';

function connectionOptions(url: string): ConnectionOptions {
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

/** Opens a connection outside the pool. @throws {DatabaseUnavailableError} */
export async function connectOnce(url: string): Promise<mysql.Connection> {
  try {
    const connection = await mysql.createConnection(connectionOptions(url));
    await prepareSession(connection);
    return connection;
  } catch (error) {
    throw toUnavailableError(error);
  }
}

export class MysqlConnections {
  readonly #pool: Pool;
  readonly #maxAge: number;
  readonly #idleTimeout: number;
  readonly #prepared = new WeakMap<object, { since: number; idleTimer?: NodeJS.Timeout }>();

  constructor({ url, poolSize, recycle }: MysqlOptions) {
    this.#maxAge = recycle * 1000;
    this.#idleTimeout = Math.min(this.#maxAge, IDLE_TIMEOUT);
    this.#pool = mysql.createPool({
      ...connectionOptions(url),
      connectionLimit: poolSize,
      // mysql2 closes idle connections only when maxIdle is below the limit, and then closes even a pool's only
      // connection at once. #release does it instead.
      maxIdle: poolSize,
    });
  }

  /**
   * Runs the work with a connection, and returns the connection to the pool or destroys it.
   * @throws {DatabaseUnavailableError} when no connection is free in time; else what the work throws.
   */
  async use<Result>(work: (connection: PoolConnection) => Promise<Result>): Promise<Result> {
    const connection = await this.#acquire();
    try {
      const result = await work(connection);
      this.#release(connection);
      return result;
    } catch (error) {
      // A broken connection, or one whose statement is still running, must not be reused.
      if (isServerError(error)) this.#release(connection);
      else connection.destroy();
      throw error;
    }
  }

  async #acquire(): Promise<PoolConnection> {
    const deadline = Date.now() + ACQUIRE_TIMEOUT;
    for (;;) {
      const connection = await this.#acquireFromPool(deadline - Date.now());
      const prepared = this.#prepared.get(connection.connection);
      if (prepared === undefined) {
        await prepareSession(connection);
        this.#prepared.set(connection.connection, { since: Date.now() });
        return connection;
      }
      clearTimeout(prepared.idleTimer);
      if (Date.now() - prepared.since < this.#maxAge) return connection;
      connection.destroy();
    }
  }

  #release(connection: PoolConnection): void {
    connection.release();
    const prepared = this.#prepared.get(connection.connection);
    if (prepared) prepared.idleTimer = setTimeout(() => connection.destroy(), this.#idleTimeout).unref();
  }

  /** mysql2 itself has no timeout for waiting until a connection is free. */
  async #acquireFromPool(timeout: number): Promise<PoolConnection> {
    const acquired = this.#pool.getConnection().catch((error) => {
      // Lost connections are retried. Other errors, such as a refused password, are not.
      throw isLost(error) ? error : toUnavailableError(error);
    });
    const connection = await withTimeout(timeout, acquired);
    if (connection) return connection;
    acquired.then(
      (late) => late.release(),
      () => {},
    );
    throw new DatabaseUnavailableError(`no connection was free within ${ACQUIRE_TIMEOUT} ms.`);
  }

  /** Closes the pool, but does not wait long for a server that is unreachable or hangs. */
  async close(): Promise<void> {
    const ended = this.#pool.end().catch(() => {});
    await withTimeout(CLOSE_TIMEOUT, ended);
  }
}

/**
 * @param timeout in milliseconds. @returns the promise's result, or undefined after that time. An AbortController would be shorter, but
 * creates an error with its stack for every read, which costs noticeably more; measured in docs/performance.md.
 */
function withTimeout<Result>(timeout: number, promise: Promise<Result>): Promise<Result | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, Math.max(timeout, 0), undefined);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

async function prepareSession(connection: mysql.Connection): Promise<void> {
  try {
    const set = (sql: string) => connection.query<RowDataPacket[]>({ sql, timeout: CONNECT_TIMEOUT });
    for (const sql of SESSION_SETTINGS) await set(sql);
    const [[galera]] = await set("SHOW VARIABLES LIKE 'wsrep_on'");
    if (galera?.Value === 'ON') await set(SYNC_WAIT);
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

/** Retries with growing pauses until RETRY_TIMEOUT while `isRetryable` accepts the error; translates the last one. */
export async function withRetry<Result>(
  attempt: () => Promise<Result>,
  isRetryable: (error: unknown) => boolean,
): Promise<Result> {
  const deadline = Date.now() + RETRY_TIMEOUT;
  for (let pause = 1; ; pause = Math.min(pause * 2, 200)) {
    try {
      return await attempt();
    } catch (error) {
      if (!isRetryable(error) || Date.now() > deadline) throw translateError(error);
    }
    await delay(pause * (0.5 + Math.random()));
  }
}
