/** A thread that hashes passwords and checks them, one after the other, and gives way to the thread that answers requests. */
import { parentPort } from 'node:worker_threads';
import { hashSync, verifySync } from '@node-rs/argon2';
import { PARAMETERS, type Question, type Reply } from './hashing-messages.ts';
import { lowerPriority } from './priority.ts';

/** More than V8's threads do (see cluster/helpers.ts), for which the one that answers may have to wait. */
const NICENESS = 15;

function reply({ hashed, password }: Question): Reply {
  try {
    return { result: hashed === undefined ? hashSync(password, PARAMETERS) : verifySync(hashed, password) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

lowerPriority(NICENESS);
const port = parentPort;
port?.on('message', (question: Question) => port.postMessage(reply(question)));
