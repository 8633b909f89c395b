/** One worker, as the primary sees it. */
import cluster from 'node:cluster';
import type { BoundSocket } from 'node:net';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { StatusReply } from '../config/control.ts';
import type { Settings } from '../config/load.ts';
import { CHILD_ENVIRONMENT, CHILD_FLAGS, Child } from './child.ts';
import type { Flags } from './messages.ts';

/** In heartbeats. */
const MOST_MISSED = 30;

export class WorkerProcess extends Child {
  /** From 1 to WORKERS. During a reload, a worker and its successor have the same. */
  readonly number: number;
  /** 1, and one more after each reload that renewed the settings. */
  readonly generation: number;
  readonly #since = new Date().toISOString();
  /** Of its code, once it is ready. */
  version = '';

  /** @throws {Error} when the system has no room for another process. */
  constructor(number: number, generation: number, log: Logger) {
    cluster.setupPrimary({
      exec: join(import.meta.dirname, 'worker.ts'),
      args: [],
      execArgv: [...process.execArgv, ...CHILD_FLAGS],
    });
    const worker = cluster.fork(CHILD_ENVIRONMENT);
    // The cluster module repeats each error of the process here, where one that nobody takes would end the primary.
    worker.on('error', () => {});
    super('a worker', worker.process, log, MOST_MISSED);
    this.number = number;
    this.generation = generation;
    this.on('listening', ({ version }) => {
      this.version = version;
      if (this.state === 'starting') this.state = 'ready';
    });
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
  async loadSettings(flags: Flags): Promise<Settings> {
    this.send({ kind: 'load-settings', flags });
    const { settings } = await this.nextInTime('settings', 'load the settings');
    return settings;
  }

  /** Resolves when the worker is ready. @throws {Error} with the reason when it can't be: then it ends. */
  async serve(settings: Settings, socket: BoundSocket): Promise<void> {
    this.send({ kind: 'serve', settings }, socket);
    await this.nextInTime('listening', 'become ready');
  }

  /** Tells the worker whether the database can be written. */
  tellWritable(isWritable: boolean): void {
    this.send({ kind: 'writable', isWritable });
  }
}
