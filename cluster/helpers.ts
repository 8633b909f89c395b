/** V8 has threads that help: they compile, and collect garbage. Who is waiting for an answer must not wait for them. */
import { readdirSync, readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { giveWay } from '../config/priority.ts';

/** Little: when V8 collects old garbage, which is seldom, the thread that answers waits for them. */
const NICENESS = 5;

const THREADS = '/proc/self/task';

/** @returns the numbers of V8's threads, or none where they can't be told. */
function helpers(): number[] {
  try {
    const threads = readdirSync(THREADS);
    // In a namespace of its own a process may be shown numbers that are not those it would have to name.
    if (!threads.includes(String(process.pid))) return [];
    return threads
      .filter((thread) => readFileSync(`${THREADS}/${thread}/comm`, 'utf8') === 'V8Worker\n')
      .map(Number);
  } catch {
    // Not on Linux, or it may not be read, or one has ended meanwhile: then all stays as it is.
    return [];
  }
}

/** Lets V8's threads give way to the one that asks, where the system can do that. */
export function letHelpersGiveWay(): void {
  const given = helpers().map((thread) => giveWay(NICENESS, thread));
  // Young garbage is collected twice a second. The answering thread does that alone then, and as fast: else it would wait for a helper
  // that waits for other processes (with a niceness of 10 four busy workers answered 8 % less). Of V8's flags this one can be set
  // while it runs; its like for old garbage ended the process.
  if (given.includes(true)) setFlagsFromString('--no-parallel-scavenge');
}
