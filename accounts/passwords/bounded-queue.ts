/** A queue that runs so many pieces of work at once, lets a few more wait, and refuses the rest: a quick refusal is better than an answer that comes too late. */
import { BusyError } from '../errors.ts';

/** In milliseconds. Whoever waits for longer is refused: the database may hang, and those before wait for it. */
const MAX_WAIT = 2_000;

export class BoundedQueue {
  #active = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #maxActive: number;
  readonly #maxWaiting: number;

  constructor(maxActive: number, maxWaiting: number) {
    this.#maxActive = maxActive;
    this.#maxWaiting = maxWaiting;
  }

  /** How many run now. */
  get active(): number {
    return this.#active;
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#waiting.length;
  }

  get isFull(): boolean {
    return this.#active >= this.#maxActive && this.#waiting.length >= this.#maxWaiting;
  }

  /** @returns a slot among those that run, when its turn has come: hold it by `using`. @throws {BusyError} */
  async acquire(): Promise<Disposable> {
    if (this.isFull) throw new BusyError();
    if (this.#active >= this.#maxActive) await this.#waitForTurn();
    else this.#active++;
    return {
      [Symbol.dispose]: () => {
        // The next one takes over the slot, so that nobody slips in between.
        const next = this.#waiting.shift();
        if (next) next();
        else this.#active--;
      },
    };
  }

  async #waitForTurn(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    const timer = setTimeout(() => {
      this.#waiting.splice(this.#waiting.indexOf(resolve), 1);
      reject(new BusyError());
    }, MAX_WAIT);
    await promise;
    clearTimeout(timer);
  }
}
