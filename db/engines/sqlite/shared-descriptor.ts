/**
 * Descriptors of files that SQLite has open as well. On POSIX systems, closing any descriptor of a file takes all locks that the process
 * has on it, and with them those of its connections. So a process has one descriptor of each file, which its last user closes.
 */
import { closeSync, openSync, statSync } from 'node:fs';

const users = new Map<string, { number: number; count: number }>();

export class SharedDescriptor {
  readonly number: number;
  readonly #key: string;

  /** Opens the file for reading. @throws {Error} when that is not possible. */
  constructor(path: string) {
    const { dev, ino } = statSync(path);
    this.#key = `${dev}:${ino}`;
    const shared = users.get(this.#key) ?? { number: openSync(path, 'r'), count: 0 };
    shared.count++;
    users.set(this.#key, shared);
    this.number = shared.number;
  }

  close(): void {
    const shared = users.get(this.#key);
    if (!shared || --shared.count > 0) return;
    users.delete(this.#key);
    closeSync(shared.number);
  }
}
