/** What the maintainer does for the whole service: checkpoints, purges, and attempts to read and write (db/health.ts). */
import type { Logger } from 'pino';
import { serviceItself } from '../accounts/actor.ts';
import { recordAuditPurge } from '../accounts/change.ts';
import type { Settings } from '../config/load.ts';
import { openEngine } from '../db/database.ts';
import type { Engine } from '../db/engines/engine.ts';
import { Health } from '../db/health.ts';
import { type PurgeOptions, purge } from '../db/maintenance.ts';
import { watchSchema } from '../db/migrate/migrator.ts';
import { auditQueries } from '../db/queries/audit.ts';
import { purgeQueries } from '../db/queries/purge.ts';

/** All in milliseconds. Checkpoints are frequent, because every read searches the write-ahead log (WAL). */
const CHECKPOINT_INTERVAL = 200;
const PURGE_INTERVAL = 10 * 60 * 1000;
const FIRST_PURGE = 1_000;

/** In connections to MySQL: one for a purge, which may wait for a lock, and one for what must go on meanwhile. */
const POOL_SIZE = 2;

export interface Maintenance {
  /** Open until the end. */
  engine: Engine;
  health: Health;
  /** Stops the maintenance and closes its connection. */
  end(): Promise<void>;
}

/** @param onWritable is called after each attempt to write. */
export async function startMaintenance(
  settings: Settings,
  log: Pick<Logger, 'error' | 'warn' | 'info'>,
  onWritable: (isWritable: boolean) => void,
): Promise<Maintenance> {
  const engine = await openEngine({ ...settings, POOL_SIZE, WORKERS: 1 }, { worker: true });
  const health = new Health(
    { schemaIsCurrent: watchSchema(engine), tryWrite: engine.tryWrite },
    log,
    onWritable,
  );
  const db = { atomically: engine.atomically, purge: purgeQueries(engine), audit: auditQueries(engine) };
  const actor = serviceItself(log);
  const stopping = new AbortController();
  const purgeOptions: PurgeOptions = {
    auditRetention: settings.AUDIT_RETENTION,
    auditPurged: (purged) => recordAuditPurge(db, actor, purged),
    signal: stopping.signal,
  };

  async function checkpoint(): Promise<void> {
    health.noteCheckpoint(await engine.checkpoint().catch((error: unknown) => error));
  }

  async function purgeExpiredRows(): Promise<void> {
    if (!health.isWell) return;
    try {
      const batches = await purge(db, purgeOptions);
      if (batches > 0) log.info({ batches }, 'expired rows were purged');
    } catch (error) {
      log.warn({ err: error }, 'expired rows could not be purged');
    }
  }
  let purging: Promise<void> = Promise.resolve();
  const startPurge = () => {
    purging = purging.then(purgeExpiredRows);
  };

  const timers = [
    setInterval(checkpoint, CHECKPOINT_INTERVAL),
    setInterval(startPurge, PURGE_INTERVAL),
    setTimeout(startPurge, FIRST_PURGE),
  ];
  return {
    engine,
    health,
    async end() {
      health.end();
      for (const timer of timers) clearTimeout(timer);
      stopping.abort();
      await purging;
      await engine.close();
    },
  };
}
