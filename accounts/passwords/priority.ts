/**
 * Which threads of a process give way to the one that answers requests. To Linux they are equals: where they share a processor, one
 * that wakes up keeps it for some 3 ms, six times as long as an answer takes.
 */
import { getPriority, setPriority } from 'node:os';

const LOWEST = 19;

/**
 * @param niceness by how much the thread is to be nicer than it is: with 5 it gets a quarter of a processor that both want, with
 * 15 a thirtieth, and all of one that nobody else wants.
 * @param thread its number, as Linux counts them; without it the one that asks.
 * @returns whether it gives way now. Elsewhere a thread has no priority of its own, and it may be forbidden to change it.
 */
export function lowerPriority(niceness: number, thread = 0): boolean {
  if (process.platform !== 'linux') return false;
  try {
    setPriority(thread, Math.min(getPriority(thread) + niceness, LOWEST));
    return true;
  } catch {
    return false;
  }
}
