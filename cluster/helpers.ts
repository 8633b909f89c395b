/** V8 has threads that help: they compile, and collect garbage. Who is waiting for an answer must not wait for them. */
import { readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { giveWay } from '../config/priority.ts';

/** Against the thread that answers: a tenth of a processor that both want. */
const NICENESS = 10;

/** To be called once all of them run, and before the process has threads of its own that answer: it lowers all but this one. */
export function letHelpersGiveWay(): void {
  if (process.platform !== 'linux') return;
  // Else this thread would wait, twice a second, until a helper comes to its turn: a twelfth of what busy processors can answer. Alone
  // it collects young garbage as fast.
  setFlagsFromString('--no-parallel-scavenge');
  for (const thread of readdirSync('/proc/self/task').map(Number)) {
    if (thread !== process.pid) giveWay(NICENESS, thread);
  }
}
