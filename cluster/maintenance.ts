/** What one process of a service does for all of them, now and then: the primary, or the only one. */
import type { Logger } from 'pino';
import type { Settings } from '../config/load.ts';
import { openEngine } from '../db/database.ts';
import { purge } from '../db/maintenance.ts';
import { purgeQueries } from '../db/queries/purge.ts';

/** How often SQLite's log of writes is emptied, in milliseconds: where it grows long, every read has to look through it. */
const CHECKPOINT_INTERVAL = 200;
/** How often what is over is removed, and how soon after the start for the first time, in milliseconds. */
const PURGE_INTERVAL = 10 * 60 * 1000;
const FIRST_PURGE = 1_000;

/** @returns what ends the upkeep. */
export async function startMaintenance(
  settings: Settings,
  log: Pick<Logger, 'warn' | 'info'>,
): Promise<() => Promise<void>> {
  const engine = await openEngine({ ...settings, POOL_SIZE: 1, WORKERS: 1 }, { worker: true });
  const db = { atomically: engine.atomically, purge: purgeQueries(engine) };
  const ending = new AbortController();
  let purging: Promise<void> = Promise.resolve();

  let emptying = false;
  let failing = false;
  const checkpoint = async () => {
    // A slow disk takes longer than the time between two of them.
    if (emptying) return;
    emptying = true;
    try {
      await engine.checkpoint();
      failing = false;
    } catch (error) {
      // A full disk, say: the requests that write are told, and it may pass. The log has it once.
      if (!failing) log.warn({ err: error }, "the database's log of writes could not be emptied");
      failing = true;
    }
    emptying = false;
  };
  const purgeOnce = async () => {
    try {
      const options = { auditRetention: settings.AUDIT_RETENTION, signal: ending.signal };
      const batches = await purge(db, options);
      if (batches > 0) log.info({ batches }, 'what was over has been removed');
    } catch (error) {
      log.warn({ err: error }, 'what is over could not be removed');
    }
  };
  const startPurge = () => {
    purging = purging.then(purgeOnce);
  };
  const timers = [
    setInterval(checkpoint, CHECKPOINT_INTERVAL),
    setInterval(startPurge, PURGE_INTERVAL),
    setTimeout(startPurge, FIRST_PURGE),
  ];

  return async () => {
    for (const timer of timers) clearTimeout(timer);
    ending.abort();
    await purging;
    await engine.close();
  };
}
