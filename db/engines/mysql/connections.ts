/**
 * The pool of connections to MySQL or MariaDB servers that may drop them, be unreachable, become read-only or hang. mysql2's
 * own pool knows one server, waits without a bound for a free connection, and closes no idle one without closing the last.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { DatabaseServer } from '../../../config/database-url.ts';
import { DatabaseUnavailableError, type PoolUse } from '../engine.ts';
import { askServer, connectTo, type OpenConnection } from './connect.ts';
import { isAnswer, isLost, isReadOnly, isServerDown, isServerError } from './errors.ts';
import { Servers } from './servers.ts';

export interface MysqlOptions {
  url: string;
  /** The largest number of connections of this process. */
  poolSize: number;
  /** The age above which a connection is replaced before use, in seconds. */
  recycle: number;
}

/** All in milliseconds. */
const ACQUIRE_TIMEOUT = 5_000;
const CLOSE_TIMEOUT = 3_000;
const IDLE_TIMEOUT = 60_000;
const CHECK_INTERVAL = 500;
/** After this time without an answer, a new connection tries whether the server still answers. */
const SILENCE = 1_000;
/** The age of a connection to a server that only reads, since another may take writes again. */
const READ_ONLY_AGE = 1_000;

const WAITING_PER_CONNECTION = 100;

interface Waiting {
  readonly since: number;
  proceed(): void;
  refuse(reason: Error): void;
}

export class MysqlConnections {
  readonly #servers: Servers;
  readonly #size: number;
  readonly #maxAge: number;
  readonly #idleTimeout: number;
  readonly #idle: OpenConnection[] = [];
  readonly #working = new Set<OpenConnection>();
  /** How much work is under way. All that is beyond the size waits. */
  #active = 0;
  readonly #waiting: Waiting[] = [];
  readonly #probed = new Set<DatabaseServer>();
  #isClosed = false;
  readonly #timer: NodeJS.Timeout;

  constructor({ url, poolSize, recycle }: MysqlOptions) {
    this.#servers = new Servers(url);
    this.#size = poolSize;
    this.#maxAge = recycle * 1000;
    this.#idleTimeout = Math.min(this.#maxAge, IDLE_TIMEOUT);
    this.#timer = setInterval(() => this.#check(Date.now()), CHECK_INTERVAL).unref();
  }

  get use(): PoolUse {
    return { inUse: this.#active, idle: this.#idle.length, waiting: this.#waiting.length };
  }

  /**
   * Runs the work with a connection, and keeps the connection for later work or destroys it.
   * @param since when the caller began, in milliseconds since 1970: from then on it waits for its turn, in all attempts together.
   * @throws {DatabaseUnavailableError} when no connection is free in time, or no server answers; else what the work throws.
   */
  async run<Result>(since: number, work: (open: OpenConnection) => Promise<Result>): Promise<Result> {
    if (this.#isClosed) throw new DatabaseUnavailableError('the service stops.');
    if (this.#active < this.#size) this.#active++;
    else await this.#waitForTurn(since);
    try {
      const open = this.#takeIdle() ?? (await this.#open());
      open.usedAt = Date.now();
      this.#working.add(open);
      try {
        const result = await work(open);
        this.#keep(open);
        return result;
      } catch (error) {
        this.#afterError(open, error);
        throw error;
      } finally {
        this.#working.delete(open);
      }
    } finally {
      const next = this.#waiting.shift();
      if (next) next.proceed();
      else this.#active--;
    }
  }

  #waitForTurn(since: number): Promise<void> {
    if (this.#waiting.length >= this.#size * WAITING_PER_CONNECTION)
      throw new DatabaseUnavailableError('too many requests wait for a connection.');
    return new Promise((proceed, refuse) => this.#waiting.push({ since, proceed, refuse }));
  }

  /** The one that was used last, so that the others can time out. */
  #takeIdle(): OpenConnection | undefined {
    for (let open = this.#idle.pop(); open; open = this.#idle.pop()) {
      if (open.socket.destroyed) continue;
      const maxAge = open.isReadOnly && this.#servers.areSeveral ? READ_ONLY_AGE : this.#maxAge;
      if (Date.now() - open.openedAt < maxAge) return open;
      void end(open);
    }
    return undefined;
  }

  async #open(): Promise<OpenConnection> {
    const open = await this.#servers.open();
    open.socket.once('close', () => {
      const index = this.#idle.indexOf(open);
      if (index >= 0) this.#idle.splice(index, 1);
    });
    return open;
  }

  #keep(open: OpenConnection): void {
    if (this.#isClosed) {
      void end(open);
      return;
    }
    open.usedAt = Date.now();
    this.#idle.push(open);
  }

  #afterError(open: OpenConnection, error: unknown): void {
    if (isReadOnly(error)) this.#noteReadOnly(open.server);
    if (isServerDown(error)) {
      this.#servers.leave(open.server);
      for (const idle of this.#idle) if (idle.server === open.server) idle.socket.destroy();
    }
    // A broken connection, or one whose statement is still running, must not be used again.
    if (isServerError(error)) this.#keep(open);
    else open.socket.destroy();
    if (error instanceof Error && isLost(error)) error.message = `${open.server.name}: ${error.message}`;
  }

  #noteReadOnly(server: DatabaseServer): void {
    for (const open of this.#connectionsTo(server)) open.isReadOnly = true;
  }

  #connectionsTo(server: DatabaseServer): OpenConnection[] {
    return [...this.#idle, ...this.#working].filter((open) => open.server === server);
  }

  #check(now: number): void {
    const isLate = ({ since }: Waiting) => now - since >= ACQUIRE_TIMEOUT;
    for (const late of this.#waiting.filter(isLate)) {
      this.#waiting.splice(this.#waiting.indexOf(late), 1);
      late.refuse(new DatabaseUnavailableError(`no connection was free within ${ACQUIRE_TIMEOUT} ms.`));
    }
    while (this.#idle[0] && now - this.#idle[0].usedAt >= this.#idleTimeout) {
      const idle = this.#idle.shift();
      if (idle) void end(idle);
    }
    if (this.#servers.areSeveral && this.#idle.length > 0) void this.#askWhetherReadOnly();
    const silent = [...this.#working].filter(({ usedAt }) => now - usedAt >= SILENCE);
    for (const server of new Set(silent.map((open) => open.server))) void this.#probe(server);
  }

  /** A primary that became a replica closes no connection, and without a write nobody would see that it lags behind now. */
  async #askWhetherReadOnly(): Promise<void> {
    try {
      await this.run(Date.now(), async ({ server, connection }) => {
        const { isReadOnly } = await askServer(connection);
        if (isReadOnly) this.#noteReadOnly(server);
      });
    } catch {
      // The next request finds out as well, and says so.
    }
  }

  /** Leaves a server that answers no new connection, with all its connections, each of which would wait for a timeout. */
  async #probe(server: DatabaseServer): Promise<void> {
    if (this.#probed.has(server)) return;
    this.#probed.add(server);
    try {
      void end(await connectTo(server));
    } catch (error) {
      if (!isAnswer(error)) {
        this.#servers.leave(server);
        for (const { socket } of this.#connectionsTo(server)) socket.destroy(new Error('it does not answer'));
      }
    }
    // So that a long statement does not bring one new connection after the other.
    await delay(SILENCE, undefined, { ref: false });
    this.#probed.delete(server);
  }

  /** Closes the pool, but does not wait long for a server that is unreachable or hangs. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const { refuse } of this.#waiting.splice(0))
      refuse(new DatabaseUnavailableError('the service stops.'));
    const open = [...this.#idle.splice(0), ...this.#working];
    await Promise.race([Promise.all(open.map(end)), delay(CLOSE_TIMEOUT, undefined, { ref: false })]);
    for (const { socket } of open) socket.destroy();
  }
}

/** Says goodbye to the server, and waits for the end of the connection. */
async function end({ connection, socket }: OpenConnection): Promise<void> {
  if (socket.destroyed) return;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  connection.end().catch(() => socket.destroy());
  await closed;
}
