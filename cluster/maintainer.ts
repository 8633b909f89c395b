/**
 * The maintainer: the process that prepares the database at a start, and then looks after it for the whole service. The primary itself
 * has no connection, because one to a damaged SQLite file can end its process, and this process can be replaced.
 */
import type { Settings } from '../config/load.ts';
import { makeLog } from '../plugins/log.ts';
import { attempt, joinService, send } from './channel.ts';
import type { Maintenance } from './maintenance.ts';
import type { FromMaintainer, Metrics, ToMaintainer } from './messages.ts';

// What is wrong with the code is told when the primary asks for it.
const code = Promise.all([import('./prepare-database.ts'), import('./maintenance.ts')]);
code.catch(() => {});

let maintenance: Promise<Maintenance> | undefined;
let readMetrics = async (): Promise<Metrics> => [];

async function prepare(settings: Settings): Promise<FromMaintainer> {
  const [{ prepareDatabase }] = await code;
  return { kind: 'prepared', ...(await prepareDatabase(settings)) };
}

async function maintain(settings: Settings): Promise<FromMaintainer> {
  const [, { startMaintenance }] = await code;
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
  if (message.kind === 'prepare') void attempt(() => prepare(message.settings));
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
