/** What the metrics tell of the database itself, and of the maintainer. The first is the same for all hosts that share one. */
import { Gauge } from 'prom-client';
import type { Engine } from '../db/engines/engine.ts';
import type { Health } from '../db/health.ts';
import { inspect } from '../db/migrate/migrator.ts';
import { sessionCount } from '../db/queries/session-count.ts';
import { makeRegistry } from '../plugins/process-metrics.ts';
import type { Metrics } from './messages.ts';

/** In milliseconds. A million sessions are counted in some tens of milliseconds; measured in docs/performance.md. */
const INTERVAL = 60_000;

/** @param health tells whether the database works. @returns a function that gives the values. */
export async function readDatabaseMetrics(engine: Engine, health: Health): Promise<() => Promise<Metrics>> {
  const registry = makeRegistry('maintainer');
  const registers = [registry];
  const sessions = new Gauge({
    name: 'rollcall_sessions',
    help: 'Sessions that have not ended, counted once a minute.',
    registers,
  });
  const pending = new Gauge({
    name: 'rollcall_migrations_pending',
    help: 'Migrations that the database lacks, looked for once a minute.',
    registers,
  });
  new Gauge({
    name: 'rollcall_database_up',
    help: 'Whether the database can be read and written, tried each second.',
    labelNames: ['operation'],
    registers,
    collect() {
      for (const operation of ['read', 'write'] as const)
        this.set({ operation }, health.works(operation) ? 1 : 0);
    },
  });
  const countSessions = sessionCount(engine);
  const count = async () => {
    try {
      pending.set((await inspect(engine)).pending.length);
      sessions.set(await countSessions(Date.now()));
    } catch {
      // The last values stay. That the database fails is told elsewhere.
    }
  };
  await count();
  setInterval(count, INTERVAL).unref();
  return () => registry.getMetricsAsJSON();
}
