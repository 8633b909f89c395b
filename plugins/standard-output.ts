/**
 * Standard output, for the log. Where nothing can be written, as on a full disk, pino's own stream ends the process, which then waits for
 * room before it is gone. Here lines wait, and the service goes on.
 */
import { write, writeSync } from 'node:fs';

const DESCRIPTOR = 1;
/** After a failure, in milliseconds. */
const PAUSE = 100;
/** In characters. Further lines are lost. */
const MOST_WAITING = 4 * 1024 * 1024;

class StandardOutput {
  /** What a write has begun. */
  #begun = Buffer.alloc(0);
  #waiting = '';
  #isBusy = false;

  constructor() {
    process.on('exit', () => this.#writeLast());
  }

  write(line: string): void {
    if (this.#waiting.length < MOST_WAITING) this.#waiting += line;
    if (!this.#isBusy) this.#writeNext();
  }

  #writeNext(): void {
    if (this.#begun.length === 0) {
      this.#begun = Buffer.from(this.#waiting);
      this.#waiting = '';
    }
    this.#isBusy = this.#begun.length > 0;
    if (!this.#isBusy) return;
    write(DESCRIPTOR, this.#begun, (error, written) => {
      if (error) {
        setTimeout(() => this.#writeNext(), PAUSE).unref();
        return;
      }
      this.#begun = this.#begun.subarray(written);
      this.#writeNext();
    });
  }

  /** Node itself waits for the write that is under way. */
  #writeLast(): void {
    try {
      writeSync(DESCRIPTOR, this.#waiting);
    } catch {
      // Nobody can be told.
    }
  }
}

/** One for all loggers of the process. */
export const standardOutput = new StandardOutput();
