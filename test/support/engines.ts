/** Runs the same tests on SQLite and on MySQL. Each test makes its own databases. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { type Test, test } from 'tap';
import { mysqlAddress } from './mysql-address.ts';
import { findServer } from './mysql-server.ts';
import { makeTemporaryFolder } from './temporary.ts';
import './threads.ts';

export interface TestEngine {
  name: 'SQLite' | 'MySQL';
  /** @returns the DATABASE_URL of a new, empty database that is removed when the test ends. */
  makeDatabase(t: Test): Promise<string>;
  /** @returns the URL of the same database by another node of a cluster, which a second instance of the service uses. */
  elsewhere?(databaseUrl: string): string;
}

const sqlite: TestEngine = {
  name: 'SQLite',
  async makeDatabase(t) {
    const folder = makeTemporaryFolder('rollcall-test-');
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    return `sqlite:${join(folder, 'rollcall.db')}`;
  },
};

const mysqlEngine: TestEngine = {
  name: 'MySQL',
  async makeDatabase(t) {
    const address = await mysqlAddress();
    if (!address) throw new Error('No MySQL server is installed.');
    const name = `rollcall_test_${randomBytes(6).toString('hex')}`;
    await query(address, `CREATE DATABASE ${name}`);
    t.teardown(() => query(address, `DROP DATABASE ${name}`));
    return `${address}/${name}`;
  },
};

async function query(address: string, statement: string): Promise<void> {
  const connection = await mysql.createConnection(address);
  await connection.query(statement);
  await connection.end();
}

const available = process.env.TEST_MYSQL_URL || findServer() ? [sqlite, mysqlEngine] : [sqlite];

const { TEST_ENGINE: wanted } = process.env;

/** The engines that are available on this machine; with TEST_ENGINE only that one. */
export const engines: TestEngine[] = available.filter(({ name }) => !wanted || name.toLowerCase() === wanted);
if (engines.length === 0)
  throw new Error(
    `TEST_ENGINE is ${wanted}, but must be one of ${available.map(({ name }) => name.toLowerCase())}.`,
  );

/** Runs the tests once for each engine. */
export function onEachEngine(name: string, tests: (t: Test, engine: TestEngine) => Promise<void>): void {
  for (const engine of engines) {
    test(`${name}, on ${engine.name}`, (t) => tests(t, engine));
  }
}
