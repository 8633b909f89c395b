/** A thread that hashes passwords and checks them, one after the other, and gives way to the thread that answers requests. */
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { hashSync, verifySync } from '@node-rs/argon2';
import { PARAMETERS, type Question, type Reply } from './hashing-messages.ts';

/** Against the usual 0 a tenth of the processor where it is contested, and all of it where it is not. */
const NICENESS = 10;

// To Linux a thread is a process to be given a priority, and 0 the one that asks. Elsewhere all of the process would give way.
if (process.platform === 'linux') setPriority(0, NICENESS);

const port = parentPort;

function reply({ hashed, password }: Question): Reply {
  try {
    return { result: hashed === undefined ? hashSync(password, PARAMETERS) : verifySync(hashed, password) };
  } catch (error) {
    return { error: String(error) };
  }
}

port?.on('message', (question: Question) => port.postMessage(reply(question)));
