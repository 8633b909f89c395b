/** Finds the MySQL server of the tests: the one in TEST_MYSQL_URL, or the one that before.ts started for this run. */
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findServer } from './mysql-server.ts';
import { until } from './running.ts';

/** @returns the path of the file with the address of the server of that test runner. */
export function addressFile(runner: number): string {
  return join(tmpdir(), `rollcall-mysql-${runner}.json`);
}

/** How long to wait for the server, in milliseconds. */
const DEADLINE = 60_000;

/** @returns the server's URL, without a database; undefined when no server is installed. */
export async function mysqlAddress(): Promise<string | undefined> {
  if (process.env.TEST_MYSQL_URL) return process.env.TEST_MYSQL_URL.replace(/\/$/, '');
  if (!findServer()) return undefined;
  const file = addressFile(process.ppid);
  await until(`the address of the MySQL server is in ${file}`, () => existsSync(file) || undefined, DEADLINE);
  const { url, error }: { url?: string; error?: string } = JSON.parse(readFileSync(file, 'utf8'));
  if (!url) throw new Error(`The MySQL server of this run did not start: ${error}`);
  return url;
}
