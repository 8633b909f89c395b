/** The primary's side of the maintainer (maintainer.ts): one process, replaced when it ends by itself and when the service is reloaded. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { reasonOf } from '../config/errors.ts';
import type { Settings } from '../config/load.ts';
import { CHILD_ENVIRONMENT, CHILD_FLAGS, Child } from './child.ts';
import { METRICS_DEADLINE, type Metrics, type PreparedDatabase } from './messages.ts';
import { Pauses } from './pauses.ts';

/**
 * In heartbeats: ten minutes. Nobody waits for the maintainer, and it waits for a slow disk. A checkpoint that is ended in the middle
 * would begin from the start, and SQLite's log would grow for ever.
 */
const MOST_MISSED = 600;

export class MaintainerProcess {
  readonly #log: Logger;
  readonly #onWritable: (isWritable: boolean) => void;
  readonly #pauses = new Pauses();
  /** Those that live, one that ends included. */
  readonly #children = new Set<Child>();
  /** The one that looks after the database. */
  #current: Child | undefined;
  /** The one that has prepared the database, until it looks after it. */
  #prepared: Child | undefined;
  #settings: Settings;
  /** Takes what the maintainer tells. */
  #takeMetrics = (_metrics: Metrics) => {};
  #isStopping = false;

  /** @param onWritable is called after each attempt to write. */
  constructor(settings: Settings, log: Logger, onWritable: (isWritable: boolean) => void) {
    this.#settings = settings;
    this.#log = log;
    this.#onWritable = onWritable;
  }

  /** Creates, migrates or checks the database, however long that takes. @throws {Error} with the reason when it can't serve. */
  async prepare(): Promise<PreparedDatabase> {
    this.#prepared = this.#fork();
    this.#prepared.send({ kind: 'prepare', settings: this.#settings });
    return this.#prepared.next('prepared');
  }

  /**
   * Lets a new process look after the database with these settings, or at the start the one that has prepared it.
   * @throws {Error} with the reason when that is not possible. A former process goes on.
   */
  async maintain(settings: Settings): Promise<void> {
    const child = this.#prepared ?? this.#fork();
    this.#prepared = undefined;
    await this.#begin(child, settings);
    const former = this.#current;
    this.#current = child;
    this.#settings = settings;
    await former?.stop();
  }

  /** Takes how many requests have failed because the database can't serve, and why the last of them did. */
  noteFailures(count: number, reason: string): void {
    this.#current?.send({ kind: 'unavailable', count, reason });
  }

  /** @returns its values, none when it does not answer in time. */
  async metrics(): Promise<Metrics> {
    if (!this.#current) return [];
    const { promise, resolve } = Promise.withResolvers<Metrics>();
    this.#takeMetrics = resolve;
    this.#current.send({ kind: 'tell-metrics' });
    const deadline = setTimeout(resolve, METRICS_DEADLINE, []);
    const metrics = await promise;
    clearTimeout(deadline);
    return metrics;
  }

  /** Resolves when it has ended. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all([...this.#children].map((child) => child.stop()));
  }

  /** @throws {Error} when the service is stopping, or the system lets no process start. */
  #fork(): Child {
    if (this.#isStopping) throw new Error('The service is stopping.');
    const options = {
      env: { ...process.env, ...CHILD_ENVIRONMENT },
      // A debugger finds another port free than that of the primary.
      execArgv: [...process.execArgv, ...CHILD_FLAGS, '--inspect-port=0'],
    };
    const child = new Child(
      'the maintainer',
      fork(join(import.meta.dirname, 'maintainer.ts'), options),
      this.#log,
      MOST_MISSED,
    );
    this.#children.add(child);
    child.on('writable', ({ isWritable }) => this.#onWritable(isWritable));
    child.on('metrics', ({ metrics }) => this.#takeMetrics(metrics));
    void child.exited.then((cause) => {
      this.#children.delete(child);
      if (child === this.#current && !this.#isStopping) this.#handleEnd(child, cause);
    });
    return child;
  }

  async #begin(child: Child, settings: Settings): Promise<void> {
    child.send({ kind: 'maintain', settings });
    await child.nextInTime('maintaining', 'begin its work');
    child.state = 'ready';
    this.#pauses.reset();
  }

  #handleEnd({ pid }: Child, cause: string): void {
    this.#log.error({ process: pid, cause }, 'the maintainer died and is replaced');
    this.#current = undefined;
    void this.#replace();
  }

  async #replace(): Promise<void> {
    // A reload may have been faster.
    if (this.#current || this.#isStopping) return;
    let child: Child | undefined;
    try {
      child = this.#fork();
      await this.#begin(child, this.#settings);
    } catch (error) {
      const reason = (await child?.exited) ?? reasonOf(error);
      if (this.#isStopping) return;
      const pause = this.#pauses.next(reason);
      this.#log.error({ reason, pause }, 'the maintainer could not start');
      setTimeout(() => void this.#replace(), pause);
      return;
    }
    if (this.#current || this.#isStopping) await child.stop();
    else this.#current = child;
  }
}
