/**
 * The primary process: it starts the workers, replaces those that die, and stops them all. The pauses before a
 * replacement grow, so that a persistent fault does not use up the machine.
 */
import cluster, { type Worker } from 'node:cluster';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Settings } from '../config/load.ts';
import { DRAIN_DEADLINE } from './drain.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import type { Serving } from './serve.ts';

/** All in milliseconds. A worker gives up on its connections before it is killed. */
const KILL_DEADLINE = DRAIN_DEADLINE + 2_000;
const FIRST_PAUSE = 200;
const LONGEST_PAUSE = 10_000;
/** The pauses start again after a worker that lived this long. */
const STABLE_LIFETIME = 10_000;

/**
 * Starts `count` workers. Its `stop` kills those that miss the deadline.
 * @param prepared the settings, as soon as the database is ready.
 * @returns when all workers listen.
 * @throws {Error} when a worker can't start or `prepared` rejects, after all workers have stopped.
 */
export function startPrimary(count: number, prepared: Promise<Settings>, log: Logger): Promise<Serving> {
  // The kernel distributes connections, which costs less than passing each on from the primary.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({
    exec: join(import.meta.dirname, 'worker.ts'),
    args: [],
    // Half of V8's default for new objects saves memory in each worker, and costs little more garbage collection.
    execArgv: [...process.execArgv, '--max-semi-space-size=8'],
  });

  let started = false;
  let stopping: Promise<void> | undefined;
  let pause = 0;
  const listening = new Set<Worker>();
  const { promise, resolve, reject } = Promise.withResolvers<Serving>();

  function forkWorker(): void {
    const since = Date.now();
    // glibc's default of eight heaps for each processor leaves most of them empty; measured in docs/performance.md.
    const worker = cluster.fork({ MALLOC_ARENA_MAX: '2' });
    prepared.then(
      (settings) => send(worker, { kind: 'serve', settings }),
      () => {},
    );
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'failed') return handleFailure(message.reason);
      listening.add(worker);
      if (started || listening.size < count) return;
      started = true;
      resolve({ url: message.url, stop });
    });
    worker.on('exit', (code, signal) => {
      listening.delete(worker);
      if (stopping) return;
      if (!started)
        return handleFailure(`a worker exited during its start (${signal ?? `exit code ${code}`})`);
      replace(worker, Date.now() - since, signal ?? code);
    });
    // Without a listener, sending to a worker that has just died would end the primary.
    worker.on('error', (error) =>
      log.warn({ err: error, worker: worker.process.pid }, 'a message to a worker could not be sent'),
    );
  }

  function replace(worker: Worker, lifetime: number, cause: string | number): void {
    if (lifetime >= STABLE_LIFETIME) pause = 0;
    log.error({ worker: worker.process.pid, cause, pause }, 'a worker died and is replaced');
    setTimeout(() => {
      if (!stopping) forkWorker();
    }, pause);
    pause = pause === 0 ? FIRST_PAUSE : Math.min(pause * 2, LONGEST_PAUSE);
  }

  function handleFailure(reason: string): void {
    if (started) log.error({ reason }, 'a worker could not start');
    else void stop().then(() => reject(new Error(reason)));
  }

  function stop(): Promise<void> {
    stopping ??= stopAll(log);
    return stopping;
  }

  for (let forked = 0; forked < count; forked++) forkWorker();
  prepared.catch((error) => stop().then(() => reject(error)));
  return promise;
}

async function stopAll(log: Logger): Promise<void> {
  const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
  await Promise.all(
    workers.map(async (worker) => {
      if (worker.isDead()) return;
      const exited = new Promise((resolve) => worker.once('exit', resolve));
      send(worker, { kind: 'stop' });
      const deadline = setTimeout(() => {
        log.error({ worker: worker.process.pid }, 'a worker did not stop in time and is killed');
        worker.process.kill('SIGKILL');
      }, KILL_DEADLINE);
      await exited;
      clearTimeout(deadline);
    }),
  );
}

function send(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message);
}
