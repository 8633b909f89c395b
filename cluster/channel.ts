/** What the processes that the primary starts have in common: how they answer it, show that they live, and end. */
import { reasonOf } from '../config/errors.ts';
import { type FromMaintainer, type FromWorker, HEARTBEAT } from './messages.ts';
import { logUncaughtErrors } from './uncaught-errors.ts';

/** Resolves when the message is sent, or can't be. */
export function send(message: FromWorker | FromMaintainer): Promise<void> {
  return new Promise((resolve) => process.send?.(message, () => resolve()));
}

/** Answers what the primary asked for, or tells why it can't be done, and ends. */
export async function attempt(work: () => Promise<FromWorker | FromMaintainer>): Promise<void> {
  try {
    await send(await work());
  } catch (error) {
    await send({ kind: 'failed', reason: reasonOf(error) });
    process.exit(1);
  }
}

/** Makes this process one of the service. @param beat is called before each sign of life. */
export function joinService(beat = () => {}): void {
  logUncaughtErrors();
  // Ctrl+C in a terminal signals the whole process group. These processes ignore it, because the primary stops them.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
  // The primary is gone.
  process.on('disconnect', () => process.exit());
  setInterval(() => {
    beat();
    void send({ kind: 'alive' });
  }, HEARTBEAT).unref();
}
