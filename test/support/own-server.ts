/** Tests that kill, halt or configure the MySQL server that they run on: they have one of their own for it. */
import { randomBytes } from 'node:crypto';
import mysql, { type RowDataPacket } from 'mysql2/promise';
import { type Test, test } from 'tap';
import type { App } from '../../app.ts';
import type { TestEngine } from './engines.ts';
import { findServer, MysqlServer } from './mysql-server.ts';
import { until } from './processes.ts';

/**
 * Runs the tests on a new server with these flags, which may be made for the test; where none is installed, it says so,
 * or fails if it must not. It comes last in its file, whose process it ends.
 */
export function onOwnServer(
  name: string,
  flags: string[] | ((t: Test) => string[]),
  tests: (t: Test, server: OwnServer) => Promise<void>,
): void {
  if (!findServer()) {
    leaveOut(name, 'no MySQL server is installed');
    return;
  }
  const ended = test(name, async (t) => {
    const server = new OwnServer(typeof flags === 'function' ? flags(t) : flags);
    t.teardown(() => server.remove());
    await server.start();
    await tests(t, server);
  });
  // mysql2 keeps the timers of statements whose connection was lost, and they would keep this process for as long.
  void ended.then(() => setTimeout(() => process.exit(), 500).unref());
}

/** Says that these tests can't be run here, which fails where they must. */
export function leaveOut(name: string, why: string): void {
  test(name, async (t) => {
    t.comment(`Left out, since ${why}: ${name}`);
    t.not(process.env.REQUIRE_MYSQL, '1', 'a run with REQUIRE_MYSQL=1 has what it needs');
  });
}

export class OwnServer extends MysqlServer {
  /** The part of a test engine that gives databases on this server. */
  readonly engine: TestEngine = { name: 'MySQL', makeDatabase: () => this.makeDatabase() };

  /** A server that starts removes what others keep in the folder for temporary files; so each gets its own. */
  override async start(): Promise<void> {
    const { TMPDIR } = process.env;
    process.env.TMPDIR = this.folder;
    try {
      await super.start();
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

  /** Runs one statement in a connection of its own. */
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

  /** Waits until there are no more connections to that database; one that was closed is listed for a moment. */
  async hasAtMost(count: number, databaseUrl: string): Promise<true> {
    return until(
      `no more than ${count} connections`,
      async () => (await this.connections(databaseUrl)).length <= count || undefined,
      5_000,
    );
  }

  /**
   * Has every connection that the service may have work at one moment, by letting them all wait for one row.
   * @returns how many of so many writes took effect.
   */
  async useAll(app: App, databaseUrl: string, userId: string, poolSize: number): Promise<number> {
    const inTheWay = await mysql.createConnection(databaseUrl);
    try {
      await inTheWay.query('START TRANSACTION');
      await inTheWay.query(`SELECT id FROM users WHERE id = '${userId}' FOR UPDATE`);
      const user = await app.db.users.find(userId);
      if (!user) throw new Error('This user is not there.');
      const writes = Array.from({ length: poolSize }, () =>
        app.db.atomically([app.db.users.change({ ...user, name: 'changed by one of them' }, Date.now())]),
      );
      const settled = Promise.allSettled(writes);
      await until(
        `${poolSize} connections that wait`,
        async () => (await this.connections(databaseUrl, 'update')).length === poolSize || undefined,
        4_000,
      );
      await inTheWay.query('ROLLBACK');
      return (await settled).filter(({ status }) => status === 'fulfilled').length;
    } finally {
      inTheWay.destroy();
    }
  }
}

export function databaseName(url: string): string {
  return new URL(url).pathname.slice(1);
}

/** Keeps the event loop from doing anything, in milliseconds. */
export function block(time: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, time);
}

/** Runs the work for 0, 1, 2 … so many at a time. @returns the results in order. */
export async function inParallel<Result>(
  count: number,
  width: number,
  work: (n: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const n = next++;
      results[n] = await work(n);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  return results;
}

/** @returns how often each value occurs. */
export function tally(values: (string | number)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

/** Flags for a server whose data need not outlive the machine: its commits don't wait for the disk. */
export const HASTY = ['--innodb-flush-log-at-trx-commit=0', '--skip-log-bin'];
