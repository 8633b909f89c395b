/** The thread that checkpoints SQLite's write-ahead log (WAL) on request. It answers with the error, if any. */
import { parentPort, workerData } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';

const client = new Sqlite(String(workerData), { fileMustExist: true });
const port = parentPort;

port?.on('message', () => {
  try {
    client.pragma('wal_checkpoint(PASSIVE)');
    port.postMessage(undefined);
  } catch (error) {
    port.postMessage(String(error));
  }
});
