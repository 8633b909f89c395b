/** Provides databases for the bench: SQLite files, and its own MariaDB or MySQL server where one is installed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { findServer, MysqlServer } from '../test/support/mysql-server.ts';
import type { Line } from './figures.ts';
import { processorTime } from './processors.ts';

export interface BenchEngine {
  name: 'SQLite' | 'MariaDB';
  /** @returns the URL of a new, empty database. */
  makeDatabase(): Promise<string>;
  /** @returns the CPU time of the database server in microseconds; SQLite has no server. */
  cpu(): number;
}

type Work = (engine: BenchEngine) => Promise<Line[]>;

// The settings of a dedicated server; the tests' servers use little memory. Durability does not matter here.
const FLAGS = ['--innodb-buffer-pool-size=2G', '--innodb-flush-log-at-trx-commit=2', '--skip-log-bin'];

async function onSqlite(work: Work): Promise<Line[]> {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-bench-'));
  let count = 0;
  const makeDatabase = async () => `sqlite:${join(folder, `${count++}.db`)}`;
  try {
    return await work({ name: 'SQLite', makeDatabase, cpu: () => 0 });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function onMariadb(work: Work): Promise<Line[]> {
  const server = new MysqlServer(FLAGS);
  let count = 0;
  const makeDatabase = async () => {
    const name = `bench${count++}`;
    const connection = await mysql.createConnection(server.url);
    await connection.query(`CREATE DATABASE ${name}`);
    await connection.end();
    return `${server.url}/${name}`;
  };
  try {
    await server.start();
    return await work({ name: 'MariaDB', makeDatabase, cpu: () => processorTime(server.pid) });
  } finally {
    await server.remove();
  }
}

/** Runs the work on each engine and removes the databases. @param named the only engine to use, if given. */
export async function onEngines(named: string | undefined, work: Work): Promise<Line[]> {
  const lines = named === 'mariadb' ? [] : await onSqlite(work);
  const withMariadb = named === 'mariadb' || (named === undefined && findServer());
  return withMariadb ? [...lines, ...(await onMariadb(work))] : lines;
}
