/** The thread that checkpoints SQLite's write-ahead log (WAL) on request. It answers with the error, if any. */
import { statSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';

/** How many pages the log may have, 64 MB as a rule. */
const MAX_PAGES = 16_384;

/** The index of the log grows by parts of this size, in bytes. */
const SMALLEST_INDEX = 32 * 1024;

/** How long writers are kept out at most where a reader goes on, in milliseconds. */
const PATIENCE = 50;

const port = parentPort;

/** Copies what writers have added, without keeping them from adding more. @returns how many pages the log has. */
function copyPages(client: Sqlite.Database): unknown {
  const [result]: unknown[] = client.prepare('PRAGMA wal_checkpoint(PASSIVE)').raw().all();
  return Array.isArray(result) ? result[1] : undefined;
}

/** @throws {Error} when the index of the log was truncated. Reading it beyond its end would end the whole process (SIGBUS). */
function assertIndexWhole(path: string): void {
  const index = statSync(`${path}-shm`, { throwIfNoEntry: false });
  if (index && index.size < SMALLEST_INDEX) throw new Error(`the file ${path}-shm was truncated`);
}

function checkpoint(): void {
  assertIndexWhole(String(workerData));
  // Each time a connection of its own, so that none outlives a file which the service has given up.
  const client = new Sqlite(String(workerData), { fileMustExist: true, timeout: PATIENCE });
  try {
    // SQLite begins the log anew only once all of it is copied. Constant writes prevent that, and the log would grow for as long
    // as they last, and each read with it. So writers wait here for the last few pages.
    if (Number(copyPages(client)) > MAX_PAGES) client.pragma('wal_checkpoint(RESTART)');
  } finally {
    client.close();
  }
}

port?.on('message', () => {
  try {
    checkpoint();
    port.postMessage(undefined);
  } catch (error) {
    port.postMessage(String(error));
  }
});
