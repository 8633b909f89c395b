/**
 * Hashes passwords with Argon2id (RFC 9106) in threads of its own. In libuv's pool, hashes would make files wait, and take turns
 * with the thread that answers requests; measured in docs/performance.md.
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

/** One thread with one question at a time. It keeps the process alive only while it has one. */
class HashingThread {
  readonly #thread: Worker;
  #pending: PromiseWithResolvers<string | boolean> | undefined;

  constructor(code: URL, ended: (thread: HashingThread) => void) {
    this.#thread = new Worker(code);
    this.#thread.unref();
    this.#thread.on('message', (reply: Reply) => {
      if ('error' in reply) this.#pending?.reject(new Error(reply.error));
      else this.#pending?.resolve(reply.result);
    });
    // The thread is about to end.
    this.#thread.on('error', (error) => {
      ended(this);
      this.#pending?.reject(error);
    });
    this.#thread.on('exit', () => {
      ended(this);
      this.#pending?.reject(new Error('The thread that hashes has ended.'));
    });
  }

  async ask(question: Question): Promise<string | boolean> {
    this.#pending = Promise.withResolvers();
    try {
      this.#thread.ref();
      this.#thread.postMessage(question);
      return await this.#pending.promise;
    } finally {
      this.#thread.unref();
    }
  }

  async end(): Promise<void> {
    await this.#thread.terminate();
  }
}

const { memoryCost, timeCost, parallelism } = PARAMETERS;

/** What hashes of today's parameters begin with. */
export const HASH_PREFIX = `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$`;

/** @returns whether the hash was made with other parameters than new ones are. */
export function isOutdated(hashed: string): boolean {
  return !hashed.startsWith(HASH_PREFIX);
}

const randomBytesOf = promisify(randomBytes);

/**
 * @returns a hash of no password, for users who have none: random bytes in the place of salt and result cost as much to check.
 * They are asked for here because libuv's pool takes the priority of the thread that starts it.
 */
async function makeDecoy(): Promise<string> {
  const text = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
  const [salt, result] = await Promise.all([randomBytesOf(16), randomBytesOf(32)]);
  return `${HASH_PREFIX}${text(salt)}$${text(result)}`;
}

/**
 * @param code what the threads run.
 * @returns hashing with as many threads as were ever needed at once. They end with `end`, which refuses all later questions.
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
    // The thread that worked last: Linux prefers those that have slept.
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
