/**
 * Purges expired rows in batches with pauses between them, so that requests do not wait for it. One process of a
 * service does this, never a request.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from './database.ts';
import { firstIdOf } from './ids.ts';

const BATCH_SIZE = 200;
/** In milliseconds. */
const PAUSE = 20;

const DAY = 24 * 60 * 60 * 1000;

export interface PurgeOptions {
  /** In days; 0 keeps the audit trail for ever. */
  auditRetention: number;
  /** Stops the purge before its next batch. */
  signal?: AbortSignal;
}

/** @returns how many batches it removed. */
export async function purge(
  db: Pick<Database, 'atomically' | 'purge'>,
  { auditRetention, signal }: PurgeOptions,
): Promise<number> {
  const now = Date.now();
  const findExpired = [
    ...db.purge.expired.map((find) => () => find(now, BATCH_SIZE)),
    ...(auditRetention > 0 ? [() => db.purge.audit(firstIdOf(now - auditRetention * DAY), BATCH_SIZE)] : []),
  ];
  let batches = 0;
  for (const find of findExpired) {
    while (!signal?.aborted) {
      const removals = await find();
      if (removals.length === 0) break;
      await db.atomically(removals);
      batches++;
      await delay(PAUSE);
    }
  }
  return batches;
}
