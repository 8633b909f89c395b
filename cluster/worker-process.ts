/** One worker, as the primary sees it: from its fork to its end. */
import cluster, { type Worker } from 'node:cluster';
import type { BoundSocket } from 'node:net';
import type { Logger } from 'pino';
import type { StatusReply } from '../config/control.ts';
import type { Settings } from '../config/load.ts';
import { DRAIN_DEADLINE } from './drain.ts';
import { type Flags, type FromWorker, HEARTBEAT, type ToWorker } from './messages.ts';

declare module 'node:cluster' {
  interface Worker {
    send(message: ToWorker, socket?: BoundSocket): boolean;
  }
}

/** In milliseconds: a worker that needs longer to load the settings, or to serve, is ended. */
const START_DEADLINE = 60_000;
/** In milliseconds. A worker gives up on its connections before it is killed. */
const KILL_DEADLINE = DRAIN_DEADLINE + 2_000;
/** After so many heartbeats without a sign of life, a worker hangs. */
const MOST_MISSED = 30;

export class WorkerProcess {
  /** From 1 to WORKERS. During a reload, a worker and its successor have the same. */
  readonly number: number;
  /** 1, and one more after each reload that renewed the settings. */
  readonly generation: number;
  readonly #since = new Date().toISOString();
  state: 'starting' | 'ready' | 'draining' = 'starting';
  /** Of its code, once it is ready. */
  version = '';
  /** Settles when the process has ended, with the reason. */
  readonly exited: Promise<string>;
  /** Takes how many of its requests failed because the database can't serve, and why the last of them did. */
  onUnavailable = (_count: number, _reason: string): void => {};
  readonly #worker: Worker;
  readonly #log: Logger;
  readonly #settings = Promise.withResolvers<Settings>();
  readonly #listening = Promise.withResolvers<void>();
  #cause: string | undefined;
  #missed = 0;

  /** @throws {Error} when the system has no room for another process. */
  constructor(number: number, generation: number, log: Logger) {
    this.number = number;
    this.generation = generation;
    this.#log = log;
    // glibc's default of eight heaps for each processor leaves most of them empty; measured in docs/performance.md.
    this.#worker = cluster.fork({ MALLOC_ARENA_MAX: '2' });
    this.#worker.on('message', (message: FromWorker) => this.#handle(message));
    this.exited = this.#watch();
  }

  get pid(): number | undefined {
    return this.#worker.process.pid;
  }

  status(): StatusReply['workers'][number] {
    const { pid, state, version, generation } = this;
    return {
      ...(pid === undefined ? {} : { pid }),
      since: this.#since,
      state,
      version,
      generation,
    };
  }

  /** Lets the worker read the settings anew. @throws {Error} with the reason when it can't: then it ends. */
  loadSettings(flags: Flags): Promise<Settings> {
    this.#send({ kind: 'load-settings', flags });
    return this.#inTime('load the settings', this.#settings.promise);
  }

  /** Resolves when the worker is ready. @throws {Error} with the reason when it can't be: then it ends. */
  serve(settings: Settings, socket: BoundSocket): Promise<void> {
    this.#send({ kind: 'serve', settings }, socket);
    return this.#inTime('become ready', this.#listening.promise);
  }

  /** Tells the worker whether the database can be written. */
  tellWritable(isWritable: boolean): void {
    this.#send({ kind: 'writable', isWritable });
  }

  /** Lets the worker answer what is in progress. Resolves when it has ended; it is killed when that takes too long. */
  async stop({ serviceStops = false } = {}): Promise<void> {
    if (this.state !== 'draining') this.#send({ kind: 'stop', serviceStops });
    this.state = 'draining';
    const deadline = setTimeout(() => {
      this.#log.error({ worker: this.pid }, 'a worker did not stop in time and is killed');
      this.kill('it did not stop in time');
    }, KILL_DEADLINE);
    await this.exited;
    clearTimeout(deadline);
  }

  /** @param cause what `exited` tells. */
  kill(cause: string): void {
    this.#cause ??= cause;
    this.#worker.process.kill('SIGKILL');
  }

  #send(message: ToWorker, socket?: BoundSocket): void {
    if (this.#worker.isConnected()) this.#worker.send(message, socket);
  }

  #handle(message: FromWorker): void {
    this.#missed = 0;
    if (message.kind === 'settings') this.#settings.resolve(message.settings);
    if (message.kind === 'failed') this.#cause = message.reason;
    if (message.kind === 'unavailable') this.onUnavailable(message.count, message.reason);
    if (message.kind !== 'listening') return;
    if (this.state === 'starting') this.state = 'ready';
    this.version = message.version;
    this.#listening.resolve();
  }

  /** @returns when the process has ended, with the reason. */
  #watch(): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    // Counted by a timer of this process, which stands still while the machine sleeps or the primary is stopped.
    const heartbeats = setInterval(() => {
      if (this.state === 'ready' && ++this.#missed > MOST_MISSED)
        this.kill(`it hung for ${(MOST_MISSED * HEARTBEAT) / 1000} seconds`);
    }, HEARTBEAT).unref();
    const end = (cause: string) => {
      clearInterval(heartbeats);
      for (const { promise, reject } of [this.#settings, this.#listening]) {
        promise.catch(() => {});
        reject(new Error(this.#cause ?? `a worker ended during its start (${cause})`));
      }
      resolve(this.#cause ?? cause);
    };
    let exit: string | undefined;
    // Its last message may come after its exit, but never after the end of the channel.
    const endIfOver = () => {
      if (exit !== undefined && !this.#worker.isConnected()) end(exit);
    };
    this.#worker.on('disconnect', endIfOver);
    this.#worker.on('exit', (code, signal) => {
      exit = signal ?? `exit code ${code}`;
      endIfOver();
    });
    // Without a listener, sending to a worker that has just died would end the primary.
    this.#worker.on('error', (error) => {
      this.#log.warn({ err: error, worker: this.pid }, 'a message to a worker could not be sent');
      if (this.pid === undefined) end(error.message);
    });
    return promise;
  }

  async #inTime<Result>(what: string, result: Promise<Result>): Promise<Result> {
    const cause = `a worker did not ${what} within ${START_DEADLINE / 1000} seconds`;
    const deadline = setTimeout(() => this.kill(cause), START_DEADLINE);
    try {
      return await result;
    } finally {
      clearTimeout(deadline);
    }
  }
}
