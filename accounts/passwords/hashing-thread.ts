/** A thread that hashes passwords and checks them, one after the other, at a lower priority than the thread that answers requests. */
import { getPriority, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { hashSync, verifySync } from '@node-rs/argon2';
import { reasonOf } from '../../config/errors.ts';
import { PARAMETERS, type Question, type Reply } from './hashing-messages.ts';

/** How much nicer the thread is than the process: it gets a thirtieth of a processor that another thread wants. */
const NICENESS = 15;
const LOWEST_PRIORITY = 19;

/** Without it, a flood of sign-ins makes signed-in users wait. Only on Linux does a thread have a priority of its own. */
function lowerPriority(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(Math.min(getPriority() + NICENESS, LOWEST_PRIORITY));
  } catch {
    // Some systems forbid it. Hashing works all the same.
  }
}

function reply({ hashed, password }: Question): Reply {
  try {
    return { result: hashed === undefined ? hashSync(password, PARAMETERS) : verifySync(hashed, password) };
  } catch (error) {
    return { error: reasonOf(error) };
  }
}

lowerPriority();
const port = parentPort;
port?.on('message', (question: Question) => port.postMessage(reply(question)));
