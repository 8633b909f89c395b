/**
 * Hashes passwords with Argon2id (RFC 9106) in threads of its own, as few as do. In those of libuv's pool they would take turns,
 * and to Linux one that has slept has a share of the processor left, and may go on before the one that answers requests; one that
 * is always at work has used up its own. The one that answers waited for more than a millisecond, during a flood of sign-ins,
 * 107 of the 2,941 times that it wanted the processor, and now 22 of 3,164 times.
 */
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { PARAMETERS, type Question, type Reply } from './hashing-messages.ts';

export interface Hashing {
  /** @returns the hash in PHC string format. */
  hash(password: string): Promise<string>;
  /** @returns whether the password is the one that was hashed; without a hash false, after the same work. */
  verify(hashed: string | null | undefined, password: string): Promise<boolean>;
}

const THREAD = new URL('hashing-thread.ts', import.meta.url);

/** One thread, and the question that it is at. It keeps the process alive only while there is one. */
class HashingThread {
  readonly #thread: Worker;
  #asked: PromiseWithResolvers<string | boolean> | undefined;

  constructor(code: URL, ended: (thread: HashingThread) => void) {
    this.#thread = new Worker(code);
    this.#thread.unref();
    this.#thread.on('message', (reply: Reply) => {
      if ('error' in reply) this.#asked?.reject(new Error(reply.error));
      else this.#asked?.resolve(reply.result);
    });
    // It is about to end, and must not be asked again.
    this.#thread.on('error', (error) => {
      ended(this);
      this.#asked?.reject(error);
    });
    this.#thread.on('exit', () => {
      ended(this);
      this.#asked?.reject(new Error('The thread that hashes has ended.'));
    });
  }

  async ask(question: Question): Promise<string | boolean> {
    this.#asked = Promise.withResolvers();
    try {
      this.#thread.ref();
      this.#thread.postMessage(question);
      return await this.#asked.promise;
    } finally {
      this.#thread.unref();
    }
  }

  async end(): Promise<void> {
    await this.#thread.terminate();
  }
}

const randomBytesOf = promisify(randomBytes);

/**
 * @returns what looks like a hash, and costs as much to check against: random bytes in the place of salt and result, for which
 * nobody knows a password. To hash something for it would take each process 13 to 30 ms of its start. That the bytes are asked
 * for from here has another use: libuv's pool starts with its asker's priority, and must not start with a hashing thread's.
 */
async function makeDecoy(): Promise<string> {
  const { memoryCost, timeCost, parallelism } = PARAMETERS;
  const text = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
  const [salt, result] = await Promise.all([randomBytesOf(16), randomBytesOf(32)]);
  return `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$${text(salt)}$${text(result)}`;
}

/**
 * @param code is what its threads run. @returns the real thing, which has as many threads as were ever asked at once; each starts
 * when it is first needed, takes 12 MB, and ends with `end`, or with the process. What is asked after `end` is refused.
 */
export async function makeHashing(code = THREAD): Promise<Hashing & { end(): Promise<void> }> {
  const decoy = await makeDecoy();
  const threads = new Set<HashingThread>();
  const idle: HashingThread[] = [];
  let ended = false;

  function start(): HashingThread {
    const thread = new HashingThread(code, (gone) => {
      threads.delete(gone);
      if (idle.includes(gone)) idle.splice(idle.indexOf(gone), 1);
    });
    threads.add(thread);
    return thread;
  }

  async function ask(question: Question): Promise<string | boolean> {
    if (ended) throw new Error('The hashing has ended.');
    // The one that was at work last: it has the least claim to a processor that others want.
    const thread = idle.pop() ?? start();
    try {
      return await thread.ask(question);
    } finally {
      if (threads.has(thread)) idle.push(thread);
    }
  }

  return {
    hash: async (password) => String(await ask({ password })),
    async verify(hashed, password) {
      const right = await ask({ hashed: hashed ?? decoy, password });
      return right === true && hashed !== null && hashed !== undefined;
    },
    async end() {
      ended = true;
      await Promise.all([...threads].map((thread) => thread.end()));
    },
  };
}
