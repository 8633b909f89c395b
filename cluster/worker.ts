/**
 * A worker process. The primary sends the settings, so that all workers have the same ones even when a file was edited meanwhile, and tells
 * the worker when to stop. The first worker of a reload reads the settings for all: it is of the new code, which knows its settings.
 */

import type { Settings } from '../config/load.ts';
import packageJson from '../package.json' with { type: 'json' };
import { attempt, joinService, send } from './channel.ts';
import type { Flags, FromWorker, Metrics, ToWorker } from './messages.ts';
import type { Serving } from './serve.ts';

// The code is loaded while the database is prepared. What is wrong with it is told when the primary asks for it.
const code = import('./serve.ts');
code.catch(() => {});

let serving: Promise<Serving> | undefined;
let readMetrics = async (): Promise<Metrics> => [];
/** The requests that have failed because the database can't serve, since the primary was told. */
let unavailable = { count: 0, reason: '' };

/** The modules are loaded in the first worker of a reload only: the others save their memory. */
async function loadSettings(flags: Flags): Promise<FromWorker> {
  const [{ loadSettings }, { PROJECT_ROOT }] = await Promise.all([
    import('../config/load.ts'),
    import('../config/project.ts'),
  ]);
  return {
    kind: 'settings',
    settings: loadSettings({ root: PROJECT_ROOT, environment: process.env, flags }),
  };
}

async function start(settings: Settings, socket: unknown): Promise<FromWorker> {
  const { serve } = await code;
  serving = serve(settings, socket, (reason) => {
    unavailable = { count: unavailable.count + 1, reason };
  });
  readMetrics = (await serving).metrics;
  return { kind: 'listening', version: packageJson.version };
}

async function tellMetrics(): Promise<void> {
  await send({ kind: 'metrics', metrics: await readMetrics() });
}

async function tellUnavailable(): Promise<void> {
  const { count, reason } = unavailable;
  unavailable = { count: 0, reason: '' };
  if (count > 0) await send({ kind: 'unavailable', count, reason });
}

async function stop(serviceStops: boolean): Promise<void> {
  const running = await serving?.catch(() => undefined);
  await running?.stop(serviceStops);
  // The last ones, so that the sums over all workers lack nothing.
  await tellMetrics();
  await tellUnavailable();
  process.exit(0);
}

process.on('message', (message: ToWorker, socket: unknown) => {
  if (message.kind === 'load-settings') void attempt(() => loadSettings(message.flags));
  else if (message.kind === 'serve') void attempt(() => start(message.settings, socket));
  else if (message.kind === 'tell-metrics') void tellMetrics();
  else if (message.kind === 'writable')
    void serving?.then(
      ({ tellWritable }) => tellWritable(message.isWritable),
      () => {},
    );
  else if (message.kind === 'stop') void stop(message.serviceStops);
});

joinService(tellUnavailable);
