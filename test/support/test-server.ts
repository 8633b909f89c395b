/** A MySQL server that tests and the bench start for themselves. Whoever measures loads this without tap, which gives up after half a minute. */
import { randomBytes } from 'node:crypto';
import mysql, { type RowDataPacket } from 'mysql2/promise';
import type { App } from '../../app.ts';
import type { TestEngine } from './engines.ts';
import { MysqlServer } from './mysql-server.ts';
import { until } from './running.ts';

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
