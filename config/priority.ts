/**
 * Which threads of a process give way to the one that answers requests. To Linux they are equals: where they share a processor, one
 * that wakes up keeps it for some 3 ms, six times as long as an answer takes.
 */
import { getPriority, setPriority } from 'node:os';

const LOWEST = 19;

/**
 * @param niceness by how much the thread is to be nicer than it is: with 10 it gets a tenth of a processor that is contested, with 15
 * a thirtieth, and all of one that is not. @param thread as Linux counts them; without it the one that asks.
 */
export function giveWay(niceness: number, thread = 0): void {
  // Elsewhere a thread has no priority of its own, and all of the process would give way.
  if (process.platform !== 'linux') return;
  try {
    setPriority(thread, Math.min(getPriority(thread) + niceness, LOWEST));
  } catch {
    // Where that is forbidden, or the thread has ended, others wait longer at most.
  }
}
