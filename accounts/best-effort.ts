/** Writes that a request does not depend on, such as when a session was last used. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../db/database.ts';
import { DatabaseUnavailableError, type Step } from '../db/engines/engine.ts';

export interface BestEffortLog {
  warn(fields: object, message: string): void;
}

/** How long a request waits for such a write at most, in milliseconds. */
const PATIENCE = 100;

/** Waits only a moment, and does not fail: what goes wrong is logged. */
export async function writeBestEffort(db: Database, step: Step, log: BestEffortLog): Promise<void> {
  const written = db.atomically([step]).catch((error) => {
    // That is logged once for all requests (db/health.ts).
    if (error instanceof DatabaseUnavailableError) return;
    log.warn({ err: error }, 'the use or the end of a session or token could not be written');
  });
  await Promise.race([written, delay(PATIENCE, undefined, { ref: false })]);
}
