/**
 * A worker process. The primary sends the settings, so that all workers have the same ones even when a file was edited
 * meanwhile, and tells the worker when to stop.
 */
import type { Settings } from '../config/load.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import { type Serving, serve } from './serve.ts';
import { logUncaughtErrors } from './uncaught-errors.ts';

logUncaughtErrors();

let serving: Promise<Serving> | undefined;

function send(message: FromWorker): Promise<void> {
  return new Promise((resolve) => process.send?.(message, () => resolve()));
}

async function start(settings: Settings): Promise<void> {
  try {
    serving = serve(settings);
    await send({ kind: 'listening', url: (await serving).url });
  } catch (error) {
    await send({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
    process.exit(1);
  }
}

async function stop(): Promise<void> {
  const running = await serving?.catch(() => undefined);
  await running?.stop();
  process.exit(0);
}

// Ctrl+C in a terminal signals the whole process group. Workers ignore it, because the primary stops them.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {});
process.on(
  'message',
  (message: ToWorker) => void (message.kind === 'serve' ? start(message.settings) : stop()),
);
