/** The pauses between the starts of processes that do not become ready, so that a persistent fault does not use up the machine. */

/** In milliseconds. */
const FIRST = 200;
const LONGEST = 10_000;

export class Pauses {
  #last = 0;

  /** @param cause why the process has ended. @returns how long to wait before the next one, in milliseconds. */
  next(cause: string): number {
    // Who is killed from outside says nothing about the next one.
    if (cause === 'SIGKILL') return FIRST;
    this.#last = Math.min(Math.max(FIRST, this.#last * 2), LONGEST);
    return this.#last;
  }

  /** A process has become ready. */
  reset(): void {
    this.#last = 0;
  }
}
