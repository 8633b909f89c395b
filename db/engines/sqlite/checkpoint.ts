/**
 * Checkpoints SQLite's write-ahead log (WAL) in a thread (checkpoint-thread.ts). A checkpoint waits for the disk, and
 * in the main thread the requests would wait as well.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const THREAD = new URL('checkpoint-thread.ts', import.meta.url);

/** The thread starts with the first checkpoint. @param path the database file, which must exist. */
export function makeCheckpointer(path: string) {
  let thread: Worker | undefined;
  let last: Promise<void> = Promise.resolve();

  function start(): Worker {
    const started = new Worker(THREAD, { workerData: path });
    started.unref();
    // A thread that could not open the file exits, and the next checkpoint starts another.
    started.once('exit', () => {
      thread = undefined;
    });
    return started;
  }

  async function runCheckpoint(): Promise<void> {
    thread ??= start();
    thread.postMessage(undefined);
    const [error]: unknown[] = await once(thread, 'message');
    if (typeof error === 'string') throw new Error(error);
  }

  return {
    /** Copies the WAL into the database file, except for what transactions in progress still need. @throws {Error} */
    checkpoint(): Promise<void> {
      const done = last.then(runCheckpoint);
      last = done.catch(() => {});
      return done;
    },
    async end() {
      await thread?.terminate();
    },
  };
}
