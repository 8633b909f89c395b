/** The primary process, which serves no requests: it starts the workers, replaces those that end, and stops them all. */
import type { Logger } from 'pino';
import type { ReloadReply, StatusReply } from '../config/control.ts';
import { reasonOf } from '../config/errors.ts';
import type { Settings } from '../config/load.ts';
import { withSecret } from '../config/secret.ts';
import packageJson from '../package.json' with { type: 'json' };
import type { Listener } from './listener.ts';
import type { Flags } from './messages.ts';
import { Pauses } from './pauses.ts';
import { keepUntilRestart } from './reloaded-settings.ts';
import { WorkerProcess } from './worker-process.ts';

interface PrimaryOptions {
  listener: Listener;
  /** Takes how many requests of a worker failed because the database can't serve, and why the last of them did. */
  onUnavailable(count: number, reason: string): void;
  flags: Flags;
  log: Logger;
  /** Takes the settings of a reload once a worker serves with them. The reload fails when it rejects. */
  onSettings(settings: Settings): Promise<void>;
  /** Told that a reload begins. @param ended resolves when it has ended. */
  onReload(ended: Promise<ReloadReply>): void;
}

export class Primary {
  /** Those that live, draining ones included. */
  readonly workers = new Set<WorkerProcess>();
  /** How many workers have taken the place of one that ended by itself. */
  restarts = 0;
  /** The reloads that have ended, by their outcome. */
  readonly reloads = { succeeded: 0, failed: 0 };
  lastReload: ReloadReply | undefined;
  readonly #since = new Date().toISOString();
  readonly #options: PrimaryOptions;
  readonly #log: Logger;
  #settings: Settings;
  #generation = 1;
  #isStarted = false;
  #isWritable = true;
  readonly #pauses = new Pauses();
  #stopping: Promise<void> | undefined;
  #reloading: Promise<ReloadReply> | undefined;
  #nextReload: Promise<ReloadReply> | undefined;

  private constructor(settings: Settings, options: PrimaryOptions) {
    this.#settings = settings;
    this.#options = options;
    this.#log = options.log;
  }

  /**
   * Starts the workers, which load their code until the database is ready.
   * @param prepared the settings with the secret key, as soon as the database is ready.
   * @returns when all workers are ready.
   * @throws {Error} when a worker can't start or `prepared` rejects, after all workers have stopped.
   */
  static async start(
    settings: Settings,
    prepared: Promise<Settings>,
    options: PrimaryOptions,
  ): Promise<Primary> {
    const primary = new Primary(settings, options);
    // Until it is awaited.
    prepared.catch(() => {});
    try {
      for (let number = 1; number <= settings.WORKERS; number++) primary.#fork(number);
      primary.#settings = await prepared;
      await Promise.all([...primary.workers].map((worker) => primary.#serve(worker, primary.#settings)));
    } catch (error) {
      await primary.stop();
      throw error;
    }
    primary.#isStarted = true;
    return primary;
  }

  status(): StatusReply {
    return {
      version: packageJson.version,
      since: this.#since,
      url: this.#options.listener.url,
      workers: [...this.workers].map((worker) => worker.status()),
      restarts: this.restarts,
      ...(this.lastReload ? { lastReload: this.lastReload } : {}),
    };
  }

  /** Lets all workers answer what is in progress, and resolves when they have ended. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  /**
   * Replaces the workers one by one, with settings and code that are read anew. Each new worker is ready before an old one drains. One
   * that can't be ready ends the reload: the workers that are there stay. During a reload, further calls are one further reload.
   */
  reload(): Promise<ReloadReply> {
    if (this.#reloading) {
      this.#log.info('a reload is under way; another one follows it');
      this.#nextReload ??= this.#reloading.then(async () => {
        this.#nextReload = undefined;
        return { ...(await this.reload()), waited: true };
      });
      return this.#nextReload;
    }
    this.#reloading = this.#runReload().finally(() => {
      this.#reloading = undefined;
    });
    this.#options.onReload(this.#reloading);
    return this.#reloading;
  }

  /** Tells all workers whether the database can be written. */
  tellWritable(isWritable: boolean): void {
    if (isWritable === this.#isWritable) return;
    this.#isWritable = isWritable;
    for (const worker of this.workers) worker.tellWritable(isWritable);
  }

  async #stopAll(): Promise<void> {
    // From now on, the kernel's queue has room for one connection alone, so that no more than one can come in the instant when the last
    // worker closes the port.
    this.#options.listener.socket.listen(0);
    this.#options.listener.socket.close();
    await Promise.all([...this.workers].map((worker) => worker.stop({ serviceStops: true })));
    // It fails now, and says so.
    await this.#reloading;
  }

  /** @throws {Error} when the service is stopping, or there is no room for another process. */
  #fork(number: number, generation = this.#generation): WorkerProcess {
    if (this.#stopping) throw new Error('The service is stopping.');
    const worker = new WorkerProcess(number, generation, this.#log);
    worker.on('unavailable', ({ count, reason }) => this.#options.onUnavailable(count, reason));
    this.workers.add(worker);
    void worker.exited.then((cause) => {
      this.workers.delete(worker);
      if (this.#isStarted && !this.#stopping) this.#handleEnd(worker, cause);
    });
    return worker;
  }

  async #serve(worker: WorkerProcess, settings: Settings): Promise<void> {
    await worker.serve(settings, this.#options.listener.socket);
    worker.tellWritable(this.#isWritable);
    this.#pauses.reset();
  }

  /** @returns the workers of that number that are not about to end: one, or none, or during a reload two. */
  #holders(number: number): WorkerProcess[] {
    return [...this.workers].filter((worker) => worker.number === number && worker.state !== 'draining');
  }

  #handleEnd({ state, number, pid }: WorkerProcess, cause: string): void {
    const isReplaced = this.#holders(number).length > 0;
    if (state === 'ready') {
      this.#log.error({ worker: pid, cause }, 'a worker died and is replaced');
      if (!isReplaced) void this.#replace(number);
    }
    // A reload tells itself why its worker could not start.
    if (state === 'starting' && !isReplaced) this.#replaceLater(number, cause);
  }

  #replaceLater(number: number, reason: string): void {
    const pause = this.#pauses.next(reason);
    this.#log.error({ reason, pause }, 'a worker could not start');
    setTimeout(() => void this.#replace(number), pause);
  }

  async #replace(number: number): Promise<void> {
    if (this.#stopping || number > this.#settings.WORKERS || this.#holders(number).length > 0) return;
    let worker: WorkerProcess;
    try {
      worker = this.#fork(number);
    } catch (error) {
      return this.#replaceLater(number, reasonOf(error));
    }
    this.restarts++;
    // When it can't serve, it ends, which is handled as any other end.
    await this.#serve(worker, this.#settings).catch(() => {});
  }

  async #runReload(): Promise<ReloadReply> {
    const reload: ReloadReply = { at: new Date().toISOString(), replaced: 0, needRestart: [] };
    this.#log.info('a reload begins');
    try {
      for (let number = 1; number <= this.#settings.WORKERS; number++) await this.#renew(number, reload);
      const surplus = [...this.workers].filter(({ number }) => number > this.#settings.WORKERS);
      await Promise.all(surplus.map((worker) => worker.stop()));
      this.#log.info({ replaced: reload.replaced, needRestart: reload.needRestart }, 'the reload succeeded');
      this.reloads.succeeded++;
    } catch (error) {
      reload.failure = this.#stopping ? 'The service is stopping.' : reasonOf(error);
      this.#log.error({ reason: reload.failure, replaced: reload.replaced }, 'the reload failed');
      this.reloads.failed++;
    }
    this.lastReload = reload;
    return reload;
  }

  /** Puts a new worker into the place of the one of that number, if there is one. The first reads the settings for all. */
  async #renew(number: number, reload: ReloadReply): Promise<void> {
    const old = this.#holders(number);
    const worker = this.#fork(number, number === 1 ? this.#generation + 1 : this.#generation);
    try {
      if (number === 1) await this.#renewSettings(worker, reload);
      else await this.#serve(worker, this.#settings);
    } catch (error) {
      await worker.stop();
      // The old one may have died meanwhile.
      void this.#replace(number);
      throw error;
    }
    reload.replaced++;
    const stopped = old.map((each) => each.stop());
    // The new one may have died meanwhile, when the old one still held its place.
    void this.#replace(number);
    await Promise.all(stopped);
  }

  async #renewSettings(worker: WorkerProcess, reload: ReloadReply): Promise<void> {
    const loaded = await worker.loadSettings(this.#options.flags);
    const { settings, needRestart } = keepUntilRestart(loaded, this.#settings);
    reload.needRestart = needRestart;
    const complete = withSecret(settings);
    await this.#serve(worker, complete);
    await this.#options.onSettings(complete);
    this.#settings = complete;
    this.#generation = worker.generation;
  }
}
