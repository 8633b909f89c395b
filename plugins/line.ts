/**
 * Lets so many pieces of work run at once, lets a few more wait in line, and turns the rest away: better a quick refusal
 * than an answer after the client has given up, and slowness for all others meanwhile.
 */

/** There is no more room in the line. */
export class BusyError extends Error {
  constructor() {
    super('There is no more room in the line.');
    this.name = 'BusyError';
  }
}

export class Line {
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #width: number;
  readonly #length: number;

  /** @param width how many run at once. @param length how many wait at most. */
  constructor(width: number, length: number) {
    this.#width = width;
    this.#length = length;
  }

  get isFull(): boolean {
    return this.#running >= this.#width && this.#waiting.length >= this.#length;
  }

  /** @returns a place among those that run, when its turn has come: hold it by `using`. @throws {BusyError} */
  async take(): Promise<Disposable> {
    if (this.isFull) throw new BusyError();
    if (this.#running >= this.#width) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    return {
      [Symbol.dispose]: () => {
        // Whoever is next takes over the place, so that nobody slips in between.
        const next = this.#waiting.shift();
        if (next) next();
        else this.#running--;
      },
    };
  }
}
