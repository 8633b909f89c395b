/** Checkpoints of SQLite's write-ahead log (WAL): they copy it into the database file. */
import type Sqlite from 'better-sqlite3';
import { BUSY_TIMEOUT } from './connection.ts';

/** How many pages the log may have, 64 MB as a rule. */
const MAX_PAGES = 16_384;
/** How long writers are kept out at most where a reader goes on, in milliseconds. */
const PATIENCE = 50;

/** Copies what no transaction in progress still needs. It waits for the disk, and the process with it. @throws {Error} */
export function checkpointLog(client: Sqlite.Database): void {
  // This copies without keeping writers from adding more.
  const [result]: unknown[] = client.prepare('PRAGMA wal_checkpoint(PASSIVE)').raw().all();
  const pages = Array.isArray(result) ? result[1] : 0;
  if (Number(pages) <= MAX_PAGES) return;
  // SQLite begins the log anew only once all of it is copied. Constant writes prevent that, and the log would grow for as long as
  // they last, and each read with it. So writers wait here for the last few pages.
  client.pragma(`busy_timeout = ${PATIENCE}`);
  try {
    client.pragma('wal_checkpoint(RESTART)');
  } finally {
    client.pragma(`busy_timeout = ${BUSY_TIMEOUT}`);
  }
}
