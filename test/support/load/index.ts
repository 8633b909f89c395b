/**
 * Clients that send a service reads, writes and sign-ins while a test reloads it, kills its processes or stops its database. They check
 * each answer, and afterwards that each acknowledged write is in the database, once.
 */
import { randomBytes } from 'node:crypto';
import { makeDatabaseWith } from '../api.ts';
import { until } from '../running.ts';
import { tally } from '../tally.ts';
import { Client, Failure } from './client.ts';
import { Ledger } from './ledger.ts';

interface LoadOptions {
  /** Where the service listens, at one address or at several. A client goes on with the next one after a failure. */
  urls: string[];
  /** Where the users of the clients are made, and where the writes are looked up at the end. Its schema must be current. */
  databaseUrl: string;
  /** How many requests are sent at a time; half of the clients keep their connections, the others open one for each request. */
  clients?: number;
  /** How long a client waits after each request, in milliseconds: little load serves where only the failures matter. */
  pause?: number;
  /** An answer that takes longer counts as the failure "slow". In milliseconds. */
  bound?: number;
}

export class Load {
  readonly failures: Failure[] = [];
  /** How many requests were answered rightly. */
  successes = 0;
  /** In milliseconds: the longest time of an answer, and the longest time without any. */
  slowest = 0;
  longestGap = 0;
  readonly #ledger: Ledger;
  readonly #databaseUrl: string;
  readonly #bound: number;
  readonly #stop = new AbortController();
  #lastSuccess = performance.now();
  #running: Promise<unknown> = Promise.resolve();

  /** Makes the users and starts the clients. */
  static async start({
    urls,
    databaseUrl,
    clients = 8,
    pause = 0,
    bound = Infinity,
  }: LoadOptions): Promise<Load> {
    const run = `load-${randomBytes(4).toString('hex')}`;
    const usernames = Array.from({ length: clients }, (_, index) => `${run}-${index}`);
    const users = await makeDatabaseWith(databaseUrl, ...usernames);
    const load = new Load(new Ledger(run), databaseUrl, bound);
    const shared = { urls, ledger: load.#ledger, pause, watcher: load };
    load.#lastSuccess = performance.now();
    load.#running = Promise.all(
      users.map((user, number) =>
        new Client(shared, user, { number, keepsAlive: number % 2 === 0 }).run(load.#stop.signal),
      ),
    );
    return load;
  }

  private constructor(ledger: Ledger, databaseUrl: string, bound: number) {
    this.#ledger = ledger;
    this.#databaseUrl = databaseUrl;
    this.#bound = bound;
  }

  /** How many writes were acknowledged. */
  get writes(): number {
    return this.#ledger.acknowledged;
  }

  /** While true, what is acknowledged may be lost, or not. */
  set isUncertain(isUncertain: boolean) {
    this.#ledger.isUncertain = isUncertain;
  }

  /** @returns how many failures of each kind there were. */
  get kinds(): Record<string, number> {
    return tally(this.failures.map(({ kind }) => kind));
  }

  succeeded(time: number, what: string): void {
    const now = performance.now();
    this.longestGap = Math.max(this.longestGap, now - this.#lastSuccess);
    this.#lastSuccess = now;
    this.successes++;
    this.slowest = Math.max(this.slowest, time);
    if (time > this.#bound) this.failed(new Failure('slow', `${what}: ${Math.round(time)} ms`));
  }

  failed(failure: Failure): void {
    this.failures.push(failure);
  }

  /** Waits until so many more requests were answered rightly. */
  async answered(count: number): Promise<void> {
    const wanted = this.successes + count;
    await until(`${count} more answers`, () => this.successes >= wanted || undefined);
  }

  /** Waits until one more write is acknowledged. */
  async written(): Promise<void> {
    const before = this.writes;
    await until('a write is acknowledged', () => this.writes > before || undefined);
  }

  /** Stops the clients after their last answers. @returns the faults of the writes, each as a sentence; none when all is well. */
  async stop(): Promise<string[]> {
    this.#stop.abort();
    await this.#running;
    this.longestGap = Math.max(this.longestGap, performance.now() - this.#lastSuccess);
    return this.#ledger.faults(this.#databaseUrl);
  }
}
