/** A thread that hashes passwords and checks them, one after the other, and gives way to the thread that answers requests. */
import { getPriority, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { hashSync, verifySync } from '@node-rs/argon2';
import { PARAMETERS, type Question, type Reply } from './hashing-messages.ts';

/** By so much its niceness is above its process's: a tenth of the processor where that is contested, all of it where it is not. */
const NICER = 10;
const NICEST = 19;

/** To Linux a thread is a process to be given a priority, and 0 the one that asks. Elsewhere all of the process would give way. */
function giveWay(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(0, Math.min(getPriority(0) + NICER, NICEST));
  } catch {
    // Where that is forbidden it hashes all the same, and others wait longer.
  }
}

function reply({ hashed, password }: Question): Reply {
  try {
    return { result: hashed === undefined ? hashSync(password, PARAMETERS) : verifySync(hashed, password) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

giveWay();
const port = parentPort;
port?.on('message', (question: Question) => port.postMessage(reply(question)));
