/**
 * The maintainer: the process that prepares the database at a start, and then looks after it for the whole service. The primary itself
 * has no connection, because one to a damaged SQLite file can end its process, and this process can be replaced.
 */
import type { Settings } from '../config/load.ts';
import { makeLog } from '../plugins/log.ts';
import { attempt, joinService, send } from './channel.ts';
import { type Maintenance, startMaintenance } from './maintenance.ts';
import type { FromMaintainer, Metrics, ToMaintainer } from './messages.ts';
import { prepareDatabase } from './prepare-database.ts';

let maintenance: Promise<Maintenance> | undefined;
let readMetrics = async (): Promise<Metrics> => [];

async function maintain(settings: Settings): Promise<FromMaintainer> {
  maintenance = startMaintenance(settings, makeLog(settings.LOG_LEVEL), (isWritable) => {
    void send({ kind: 'writable', isWritable });
  });
  const { engine, health } = await maintenance;
  if (settings.METRICS_PORT !== undefined) {
    const { readDatabaseMetrics } = await import('./metrics-database.ts');
    readMetrics = await readDatabaseMetrics(engine, health);
  }
  return { kind: 'maintaining' };
}

async function stop(): Promise<void> {
  const running = await maintenance?.catch(() => undefined);
  await running?.end();
  process.exit(0);
}

process.on('message', async (message: ToMaintainer) => {
  if (message.kind === 'prepare')
    void attempt(async () => ({ kind: 'prepared', ...(await prepareDatabase(message.settings)) }));
  else if (message.kind === 'maintain') void attempt(() => maintain(message.settings));
  else if (message.kind === 'tell-metrics') void send({ kind: 'metrics', metrics: await readMetrics() });
  else if (message.kind === 'unavailable')
    void maintenance?.then(
      ({ health }) => health.noteFailures(message.count, message.reason),
      () => {},
    );
  else if (message.kind === 'stop') void stop();
});

joinService();
