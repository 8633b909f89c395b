/** Provides databases for the bench: SQLite files, and its own MariaDB or MySQL server where one is installed. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { findServer, MysqlServer } from '../test/support/mysql-server.ts';
import { moveToGeneratorProcessor, processorTime } from './processors.ts';

export interface BenchEngine {
  name: 'SQLite' | 'MariaDB';
  /** @returns the URL of a new, empty database. */
  makeDatabase(): Promise<string>;
  /** @returns the CPU time of the database server in microseconds; SQLite has no server. */
  cpu(): number;
  /** @returns the size on disk in megabytes. */
  size(url: string): number;
}

// The settings of a dedicated server; the tests' servers use little memory. Durability does not matter here.
const FLAGS = ['--innodb-buffer-pool-size=2G', '--innodb-flush-log-at-trx-commit=2', '--skip-log-bin'];

const megabytes = (files: string[]) => files.reduce((sum, file) => sum + statSync(file).size, 0) / 1e6;

function sqlite(folder: string): BenchEngine {
  let count = 0;
  return {
    name: 'SQLite',
    makeDatabase: async () => `sqlite:${join(folder, `${count++}.db`)}`,
    cpu: () => 0,
    size: (url) => megabytes([url.slice('sqlite:'.length)]),
  };
}

function mariadb(server: MysqlServer): BenchEngine {
  let count = 0;
  return {
    name: 'MariaDB',
    async makeDatabase() {
      const name = `bench${count++}`;
      const connection = await mysql.createConnection(server.url);
      await connection.query(`CREATE DATABASE ${name}`);
      await connection.end();
      return `${server.url}/${name}`;
    },
    cpu: () => processorTime(server.pid),
    size(url) {
      const data = join(server.folder, 'data', url.slice(url.lastIndexOf('/') + 1));
      return megabytes(readdirSync(data).map((file) => join(data, file)));
    },
  };
}

/** Runs the work on each engine and removes the databases. @param named the only engine to use, if given. */
export async function onEngines<Result>(
  named: string | undefined,
  work: (engine: BenchEngine) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  if (named !== 'mariadb') {
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-bench-'));
    try {
      results.push(await work(sqlite(folder)));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  if (named === 'mariadb' || (named === undefined && findServer())) {
    const server = new MysqlServer(FLAGS);
    try {
      await server.start();
      moveToGeneratorProcessor(server.pid);
      results.push(await work(mariadb(server)));
    } finally {
      await server.remove();
    }
  }
  return results;
}
