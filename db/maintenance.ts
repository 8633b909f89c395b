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
/** Expired tokens stay listed this long, so that their owners see why a program stopped. In milliseconds. */
const TOKEN_RETENTION = 30 * DAY;

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
  const { sessions, codes, attempts, tokens, audit } = db.purge;
  const findExpired = [
    () => sessions(now, BATCH_SIZE),
    () => codes(now, BATCH_SIZE),
    () => attempts(now, BATCH_SIZE),
    () => tokens(now - TOKEN_RETENTION, BATCH_SIZE),
    ...(auditRetention > 0 ? [() => audit(firstIdOf(now - auditRetention * DAY), BATCH_SIZE)] : []),
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
