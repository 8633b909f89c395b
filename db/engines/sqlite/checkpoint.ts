/**
 * Empties SQLite's log of writes into its file, in a thread of its own (checkpoint-thread.ts): that waits for the disk, and
 * where it was done between requests, every hundredth read of a busy service waited for it, too, up to 30 ms.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

interface Checkpointer {
  /** @returns when what the log held is in the file, but for what is being read or written at the moment. @throws why not. */
  checkpoint(): Promise<void>;
  end(): Promise<void>;
}

const THREAD = new URL('checkpoint-thread.ts', import.meta.url);

/** The thread starts when it is first needed. @param path the database file, which must be there. */
export function makeCheckpointer(path: string): Checkpointer {
  let thread: Worker | undefined;
  let last: Promise<void> = Promise.resolve();

  function start(): Worker {
    const started = new Worker(THREAD, { workerData: path });
    started.unref();
    // One that could not open the file is followed by another.
    started.once('exit', () => {
      thread = undefined;
    });
    return started;
  }

  async function ask(): Promise<void> {
    thread ??= start();
    thread.postMessage(undefined);
    const [answer]: unknown[] = await once(thread, 'message');
    if (typeof answer === 'string') throw new Error(answer);
  }

  return {
    checkpoint() {
      const turn = last.then(ask);
      last = turn.catch(() => {});
      return turn;
    },
    async end() {
      await thread?.terminate();
    },
  };
}
