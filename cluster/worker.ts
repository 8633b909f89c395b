/**
 * A worker process. It gets its settings from the primary, so that all workers have the same ones even if a file has
 * been edited since, and stops when the primary says so, or is gone.
 */
import type { Settings } from '../config/load.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import { type Serving, serve } from './serve.ts';

let serving: Promise<Serving> | undefined;

function tell(message: FromWorker): Promise<void> {
  return new Promise((resolve) => process.send?.(message, () => resolve()));
}

async function start(settings: Settings): Promise<void> {
  try {
    serving = serve(settings);
    await tell({ kind: 'listening', url: (await serving).url });
  } catch (error) {
    await tell({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
    process.exit(1);
  }
}

async function stop(): Promise<void> {
  const running = await serving?.catch(() => undefined);
  await running?.stop();
  process.exit(0);
}

// A signal to the whole group, such as Ctrl+C in a terminal, reaches the workers, too: what they do the primary decides.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {});
process.on(
  'message',
  (message: ToWorker) => void (message.kind === 'serve' ? start(message.settings) : stop()),
);
