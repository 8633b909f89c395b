/**
 * The primary process: it serves nothing itself, but starts the workers, replaces one that dies, and stops them all.
 * A worker that keeps dying is replaced after growing pauses, so that a lasting fault does not use up the machine.
 */
import cluster, { type Worker } from 'node:cluster';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Settings } from '../config/load.ts';
import { KILL_DEADLINE } from './deadlines.ts';
import type { FromWorker, ToWorker } from './messages.ts';

/** All in milliseconds. */
const FIRST_PAUSE = 200;
const LONGEST_PAUSE = 10_000;
/** A worker that lived so long before it died is replaced at once, as if it were the first. */
const STABLE = 10_000;

interface Primary {
  /** Where the workers listen. */
  url: string;
  /** Stops all workers; those that are not done by the deadline are killed. */
  stop(): Promise<void>;
}

/**
 * Starts so many workers.
 * @param prepared the settings that they serve with, once the database is ready for them.
 * @returns when all of them listen.
 * @throws when one of them can't start, or the settings can't be had; all are stopped then.
 */
export function startPrimary(count: number, prepared: Promise<Settings>, log: Logger): Promise<Primary> {
  // The kernel hands connections to the workers, which costs less than passing each one on.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({
    exec: join(import.meta.dirname, 'worker.ts'),
    args: [],
    // Half of V8's own room for new objects, all of which the start leaves in use: each worker holds 8 MB less. They are
    // looked through twice as often, for some 0.2 of the 50 µs of a request; with a quarter for 1 µs.
    execArgv: [...process.execArgv, '--max-semi-space-size=8'],
  });

  let started = false;
  let stopping: Promise<void> | undefined;
  let pause = 0;
  const listening = new Set<Worker>();
  const waiting = new Set<NodeJS.Timeout>();
  const { promise, resolve, reject } = Promise.withResolvers<Primary>();

  function fork(): void {
    const since = Date.now();
    // Fewer of glibc's heaps than its eight a processor, most of which are empty: a worker holds 3 MB less.
    const worker = cluster.fork({ MALLOC_ARENA_MAX: '2' });
    prepared.then(
      (settings) => tell(worker, { kind: 'serve', settings }),
      () => {},
    );
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'failed') return failed(message.reason);
      listening.add(worker);
      if (started || listening.size < count) return;
      started = true;
      resolve({ url: message.url, stop });
    });
    worker.on('exit', (code, signal) => {
      listening.delete(worker);
      if (stopping) return;
      if (!started) return failed(`a worker ended as it started (${signal ?? `exit code ${code}`})`);
      replace(worker, Date.now() - since, signal ?? code);
    });
    // Sending to a worker that has just died is no reason to end: its exit is handled above.
    worker.on('error', (error) =>
      log.warn({ err: error, worker: worker.process.pid }, 'a worker did not hear'),
    );
  }

  function replace(worker: Worker, lived: number, cause: string | number): void {
    if (lived >= STABLE) pause = 0;
    log.error({ worker: worker.process.pid, cause, pause }, 'a worker died and is replaced');
    const timer = setTimeout(() => {
      waiting.delete(timer);
      fork();
    }, pause);
    waiting.add(timer);
    pause = pause === 0 ? FIRST_PAUSE : Math.min(pause * 2, LONGEST_PAUSE);
  }

  function failed(reason: string): void {
    if (started) log.error({ reason }, 'a worker could not start');
    else void stop().then(() => reject(new Error(reason)));
  }

  function stop(): Promise<void> {
    stopping ??= stopAll(waiting, log);
    return stopping;
  }

  for (let forked = 0; forked < count; forked++) fork();
  prepared.catch((error) => stop().then(() => reject(error)));
  return promise;
}

async function stopAll(waiting: Set<NodeJS.Timeout>, log: Logger): Promise<void> {
  for (const timer of waiting) clearTimeout(timer);
  const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
  await Promise.all(
    workers.map(async (worker) => {
      if (worker.isDead()) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      worker.once('exit', () => resolve());
      tell(worker, { kind: 'stop' });
      const deadline = setTimeout(() => {
        log.error({ worker: worker.process.pid }, 'a worker did not stop in time and is killed');
        worker.process.kill('SIGKILL');
      }, KILL_DEADLINE);
      await promise;
      clearTimeout(deadline);
    }),
  );
}

function tell(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message);
}
