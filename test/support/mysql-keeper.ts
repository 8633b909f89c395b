/**
 * Runs a MySQL server for as long as the test runner lives, and removes it afterwards, even if the runner was killed. The
 * argument is the process id of the runner; the address of the server goes into a file that is named by this id.
 */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { addressFile } from './mysql-address.ts';
import { MysqlServer } from './mysql-server.ts';

const runner = Number(process.argv[2]);
// The data of tests need not survive a crash, so commits do not wait for the disk.
const server = new MysqlServer([
  '--innodb-flush-log-at-trx-commit=0',
  '--skip-log-bin',
  '--max-connections=500',
]);
const file = addressFile(runner);

function isRunnerAlive(): boolean {
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
  if (isRunnerAlive()) return;
  clearInterval(watch);
  rmSync(file, { force: true });
  void server.remove();
}, 200);
