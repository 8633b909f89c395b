/**
 * Purges expired rows in batches with pauses between them, so that requests do not wait for it. One process of a
 * service does this, never a request.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Engine, Step } from './engines/engine.ts';
import { firstIdOf } from './ids.ts';
import type { purgeQueries } from './queries/purge.ts';

const BATCH_SIZE = 200;
/** In milliseconds. */
const PAUSE = 20;

const DAY = 24 * 60 * 60 * 1000;

/** Which entries of the audit trail were removed: how many, and until when, exclusive, in milliseconds since 1970. */
export interface AuditPurge {
  count: number;
  before: number;
}

export interface PurgeOptions {
  /** In days; 0 keeps the audit trail for ever. */
  auditRetention: number;
  /** Called once when entries of the audit trail were removed, also when the purge stops or fails after that. */
  auditPurged?: (purged: AuditPurge) => Promise<void>;
  /** Stops the purge before its next batch. */
  signal?: AbortSignal;
}

type Purgeable = Pick<Engine, 'atomically'> & { purge: ReturnType<typeof purgeQueries> };

/** @returns how many batches it removed. */
export async function purge(
  db: Purgeable,
  { auditRetention, auditPurged, signal }: PurgeOptions,
): Promise<number> {
  const now = Date.now();
  let batches = 0;
  for (const find of db.purge.expired)
    for await (const _count of removeAll(db, () => find(now, BATCH_SIZE), signal)) batches++;
  if (auditRetention === 0) return batches;

  const before = now - auditRetention * DAY;
  let count = 0;
  try {
    for await (const removed of removeAll(db, () => db.purge.audit(firstIdOf(before), BATCH_SIZE), signal)) {
      batches++;
      count += removed;
    }
  } finally {
    if (count > 0) await auditPurged?.({ count, before });
  }
  return batches;
}

/** Removes what `find` finds, batch after batch. It yields the number of rows of each, and ends when a batch is not removed. */
async function* removeAll(
  db: Purgeable,
  find: () => Promise<Step[]>,
  signal: AbortSignal | undefined,
): AsyncGenerator<number> {
  while (!signal?.aborted) {
    const removals = await find();
    if (removals.length === 0) return;
    // Another host is removing the same events, and counts them (purge.ts).
    if (await db.atomically(removals)) return;
    yield removals.length;
    await delay(PAUSE);
  }
}
