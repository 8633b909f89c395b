/** Starts a MySQL server of its own for tests that kill, freeze or configure the server. */
import { randomBytes } from 'node:crypto';
import mysql, { type RowDataPacket } from 'mysql2/promise';
import { type Test, test } from 'tap';
import type { App } from '../../app.ts';
import type { TestEngine } from './engines.ts';
import { findServer, MysqlServer } from './mysql-server.ts';
import { until } from './running.ts';

/**
 * Runs the tests on a new server with these flags. Skips them where no server is installed. Call it last in a file,
 * because it ends the process after the tests.
 */
export function onOwnServer(
  name: string,
  flags: string[] | ((t: Test) => string[]),
  tests: (t: Test, server: OwnServer) => Promise<void>,
): void {
  if (!findServer()) {
    skipTests(name, 'no MySQL server is installed');
    return;
  }
  const ended = test(name, async (t) => {
    const server = new OwnServer(typeof flags === 'function' ? flags(t) : flags);
    t.teardown(() => server.remove());
    await server.start();
    await tests(t, server);
  });
  // mysql2 keeps the timers of statements whose connection was lost; they would keep the process alive. The delay is
  // meant to let tap write its report first.
  void ended.then(() => setTimeout(() => process.exit(), 500).unref());
}

/** Reports these tests as skipped; with REQUIRE_MYSQL=1 that is a failure. */
export function skipTests(name: string, reason: string): void {
  test(name, async (t) => {
    t.comment(`Skipped, because ${reason}: ${name}`);
    t.not(process.env.REQUIRE_MYSQL, '1', 'REQUIRE_MYSQL=1 is set, so these tests must not be skipped');
  });
}

export class OwnServer extends MysqlServer {
  /** A test engine that makes its databases on this server. */
  readonly engine: TestEngine = { name: 'MySQL', makeDatabase: () => this.makeDatabase() };

  /** A starting server removes other servers' files from the folder for temporary files, so each one has its own folder. */
  override async start(more: string[] = []): Promise<void> {
    const { TMPDIR } = process.env;
    process.env.TMPDIR = this.folder;
    try {
      await super.start(more);
    } finally {
      if (TMPDIR === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = TMPDIR;
    }
  }

  /** @returns the DATABASE_URL of a new, empty database. */
  async makeDatabase(): Promise<string> {
    const name = `rollcall_test_${randomBytes(6).toString('hex')}`;
    await this.query(`CREATE DATABASE ${name}`);
    return `${this.url}/${name}`;
  }

  /** Runs one statement on a new connection. */
  async query(statement: string): Promise<RowDataPacket[]> {
    const connection = await mysql.createConnection(this.url);
    try {
      const [rows] = await connection.query<RowDataPacket[]>(statement);
      return rows;
    } finally {
      await connection.end();
    }
  }

  /** @returns the ids of the connections to that database. */
  async connections(databaseUrl: string, running = ''): Promise<number[]> {
    const rows = await this.query(
      `SELECT ID AS id FROM information_schema.PROCESSLIST
       WHERE DB = '${databaseName(databaseUrl)}' AND COALESCE(INFO, '') LIKE '${running}%'`,
    );
    return rows.map(({ id }) => Number(id));
  }

  /** Waits until that database has at most so many connections; the server lists a closed one for a short time. */
  async hasAtMost(count: number, databaseUrl: string): Promise<true> {
    return until(
      `no more than ${count} connections`,
      async () => (await this.connections(databaseUrl)).length <= count || undefined,
    );
  }

  /**
   * Uses every connection of the service's pool at the same time, by letting them all wait for a lock on one row.
   * @returns how many of the writes took effect.
   */
  async useWholePool(app: App, databaseUrl: string, userId: string, poolSize: number): Promise<number> {
    const lockHolder = await mysql.createConnection(databaseUrl);
    try {
      await lockHolder.query('START TRANSACTION');
      await lockHolder.query(`SELECT id FROM users WHERE id = '${userId}' FOR UPDATE`);
      const user = await app.db.users.find(userId);
      if (!user) throw new Error('There is no such user.');
      const writes = Array.from({ length: poolSize }, () =>
        app.db.atomically([app.db.users.change({ ...user, name: 'changed by one of them' }, Date.now())]),
      );
      const settled = Promise.allSettled(writes);
      await until(
        `${poolSize} connections wait for the lock`,
        async () => (await this.connections(databaseUrl, 'update')).length === poolSize || undefined,
        4_000,
      );
      await lockHolder.query('ROLLBACK');
      return (await settled).filter(({ status }) => status === 'fulfilled').length;
    } finally {
      lockHolder.destroy();
    }
  }
}

/** @param url which may name several servers, and has no parameters. */
export function databaseName(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1);
}

/** Blocks the event loop for so many milliseconds. */
export function block(time: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, time);
}

/** Runs the work for 0, 1, 2 …, `width` at a time. @returns the results in order. */
export async function inParallel<Result>(
  count: number,
  width: number,
  work: (n: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const n = next++;
      results[n] = await work(n);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

/** Flags for a fast server: commits do not wait for the disk, and there is no binary log. */
export const FAST_FLAGS = ['--innodb-flush-log-at-trx-commit=0', '--skip-log-bin'];
