/**
 * Removes from the database what is over, a batch at a time with pauses between them, so that it is in nobody's way. One
 * process of a service does it, and never in a request.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from './database.ts';
import { firstIdOf } from './ids.ts';

/** How many rows are removed at once, and how long others have the database to themselves before the next, in milliseconds. */
const BATCH = 500;
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
export async function purge(db: Database, { auditRetention, signal }: PurgeOptions): Promise<number> {
  const now = Date.now();
  const kinds: [keyof Database['purge'], number | string][] = [
    ['sessions', now],
    ['codes', now],
    ['attempts', now],
    ['tokens', now - TOKENS_LISTED],
  ];
  if (auditRetention > 0) kinds.push(['audit', firstIdOf(now - auditRetention * DAY)]);
  let batches = 0;
  for (const [kind, before] of kinds) {
    while (
      !signal?.aborted &&
      (await db.atomically([db.purge[kind]({ before, limit: BATCH })])) === undefined
    ) {
      batches++;
      await delay(PAUSE);
    }
  }
  return batches;
}
