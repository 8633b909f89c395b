/**
 * Removes from the database what is over, a batch at a time with pauses between them, so that it is in nobody's way. One
 * process of a service does it, and never in a request.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from './database.ts';
import { firstIdOf } from './ids.ts';

/** How many rows are removed at once, and how long others have the database to themselves before the next, in milliseconds. */
const BATCH = 200;
const PAUSE = 20;

const DAY = 24 * 60 * 60 * 1000;
/** How long expired tokens are still listed, so that their owners can see why a program stopped, in milliseconds. */
const TOKENS_LISTED = 30 * DAY;

export interface PurgeOptions {
  /** After how many days entries of the audit trail are removed; 0 keeps them. */
  auditRetention: number;
  /** Ends it before the next batch. */
  signal?: AbortSignal;
}

/** @returns how many batches were removed, once nothing is left that is over. */
export async function purge(
  db: Pick<Database, 'atomically' | 'purge'>,
  { auditRetention, signal }: PurgeOptions,
): Promise<number> {
  const now = Date.now();
  const { sessions, codes, attempts, tokens, audit } = db.purge;
  const kinds = [
    () => sessions(now, BATCH),
    () => codes(now, BATCH),
    () => attempts(now, BATCH),
    () => tokens(now - TOKENS_LISTED, BATCH),
    ...(auditRetention > 0 ? [() => audit(firstIdOf(now - auditRetention * DAY), BATCH)] : []),
  ];
  let batches = 0;
  for (const due of kinds) {
    while (!signal?.aborted) {
      const removals = await due();
      if (removals.length === 0) break;
      await db.atomically(removals);
      batches++;
      await delay(PAUSE);
    }
  }
  return batches;
}
