/**
 * Hashes passwords a few at a time, and lets only so many requests wait. A hash costs much on purpose, so without a bound a
 * flood of sign-ins would slow down everybody.
 */
import { availableParallelism } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PasswordHashing } from '../password-rules.ts';
import { BoundedQueue } from './bounded-queue.ts';

/** How many requests there is room for, for each hash that is under way. So a request waits for at most so many hashes. */
const MAX_QUEUED = 17;
/**
 * How many of these are at work, in all workers together: while some hash, one may talk to the database. Those that wait have asked it
 * for nothing yet, or they would hold every connection to MySQL. Fewer than the attempts at one name that are let pass, or one user who
 * signs in many times at once would be throttled. Each worker has one more than it hashes at once, at least.
 */
const MAX_ACTIVE = 4;
/** How many hashes are under way at once, at most: each needs a thread. */
const MAX_HASHES = 3;

export interface PasswordQueue extends PasswordHashing {
  /** Whether `acquireSlot` would refuse. */
  readonly isFull: boolean;
  /** How many passwords are being hashed or checked. */
  readonly running: number;
  /** How many requests wait for their slot, or in it for a hash. */
  readonly waiting: number;
  /**
   * Every request that looks at a password does so in such a slot: `using _slot = await acquireSlot()`.
   * @returns a slot, when it is this request's turn. @throws {BusyError}
   */
  acquireSlot(): Promise<Disposable>;
}

/** @param workers how many processes share the processors. */
export function makePasswordQueue(hashing: PasswordHashing, workers: number): PasswordQueue {
  const { hash, checkNew, hashNew, verify } = hashing;
  const width = Math.min(MAX_HASHES, Math.max(1, Math.ceil(availableParallelism() / workers)));
  const active = Math.max(width + 1, Math.floor(MAX_ACTIVE / workers));
  const requests = new BoundedQueue(active, width * MAX_QUEUED - active);
  const hashes = new BoundedQueue(width, Number.POSITIVE_INFINITY);
  return {
    get isFull() {
      return requests.isFull;
    },
    get running() {
      return hashes.active;
    },
    get waiting() {
      return requests.waiting + hashes.waiting;
    },
    async acquireSlot() {
      const slot = await requests.acquire();
      // In another turn of the event loop than the one that freed the slot, so that others may be answered in between.
      await nextTurn();
      return slot;
    },
    checkNew,
    async hash(password) {
      using _slot = await hashes.acquire();
      return await hash(password);
    },
    async hashNew(password, owner) {
      using _slot = await hashes.acquire();
      return await hashNew(password, owner);
    },
    async verify(hashed, password) {
      using _slot = await hashes.acquire();
      return await verify(hashed, password);
    },
  };
}
