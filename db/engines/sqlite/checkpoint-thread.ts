/** The thread that empties SQLite's log of writes, when it is told to: it answers with what went wrong, if anything did. */
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
