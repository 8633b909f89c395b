/**
 * Keeps a MySQL server for as long as the process lives whose id it is given, the test runner's, and removes it then,
 * however that one ended. Where the server is, it writes into a file that is named by the same id.
 */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { addressFile } from './mysql-address.ts';
import { MysqlServer } from './mysql-server.ts';

const runner = Number(process.argv[2]);
// Tests write a great deal and keep nothing: the server need not wait for the disk.
const server = new MysqlServer([
  '--innodb-flush-log-at-trx-commit=0',
  '--skip-log-bin',
  '--max-connections=500',
]);
const file = addressFile(runner);

function runnerLives(): boolean {
  try {
    return process.kill(runner, 0);
  } catch {
    return false;
  }
}

async function publish(content: { url: string } | { error: string }): Promise<void> {
  writeFileSync(`${file}.new`, JSON.stringify(content));
  renameSync(`${file}.new`, file);
}

try {
  await server.start();
  await publish({ url: server.url });
} catch (error) {
  await publish({ error: String(error) });
}
const watch = setInterval(() => {
  if (runnerLives()) return;
  clearInterval(watch);
  rmSync(file, { force: true });
  void server.remove();
}, 200);
