/**
 * Lets the threads that hash give way to the one that answers requests. Linux gives each its share of a processor; so, where
 * they share one, an answer that takes half a millisecond waits for a hash that takes ten. During a flood of sign-ins half of
 * all reads took more than 1.2 ms on SQLite, and more than 3.2 on MariaDB; with this, 0.4 and 1.2.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setPriority } from 'node:os';

const THREADS = '/proc/self/task';
/** What libuv calls the threads in which hashing, and all else that blocks, is done. */
const WORKER = 'libuv-worker';
/** Against the usual 0 a tenth of the processor where it is contested, and all of it where it is not. */
const NICENESS = 10;

/** Call it when something was done in these threads already: they are there from then on. Elsewhere than on Linux it does nothing. */
export function letHashingGiveWay(): void {
  try {
    for (const thread of readdirSync(THREADS)) {
      if (readFileSync(`${THREADS}/${thread}/comm`, 'utf8').trim() !== WORKER) continue;
      // To Linux a thread is a process to be given a priority.
      setPriority(Number(thread), NICENESS);
    }
  } catch {
    // Not Linux, or not permitted: all are answered then, too, only less evenly.
  }
}
