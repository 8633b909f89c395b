/** Detects that an open SQLite database, or what SQLite keeps beside it, was removed, replaced, emptied or truncated. */
import { closeSync, openSync, readSync, rmSync, type Stats, statSync, truncateSync } from 'node:fs';
import { JOURNAL_SIZE_LIMIT } from './connection.ts';

/** The write-ahead log (WAL), and its index, which all processes map into their memory. */
const BESIDE = ['-wal', '-shm'] as const;

/** A file as it was seen last: under its inode, and with its size in bytes. */
type Seen = Pick<Stats, 'dev' | 'ino' | 'size'>;

/** What happened to the files. `isWhole` is whether SQLite can still copy the whole log into the database file. */
interface Change {
  reason: string;
  isWhole: boolean;
}

/** What each file of SQLite begins with. */
const HEADER = Buffer.from('SQLite format 3\0');

/** @returns undefined for a file that is not there, or can't be reached. */
function statIfThere(path: string): Seen | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

const isSameFile = (one: Seen | undefined, other: Seen | undefined) =>
  one?.ino === other?.ino && one?.dev === other?.dev;

/** The files of a database in the state in which it was opened. */
export class DatabaseFiles {
  readonly #path: string;
  /** A connection reads the beginning of the file from its cache. */
  readonly #descriptor: number;
  readonly #header = Buffer.alloc(HEADER.length);
  readonly #seen = new Map<string, Seen | undefined>();

  /** @param usesLog whether the database has a write-ahead log. Each connection keeps the log there until it closes. */
  constructor(path: string, usesLog: boolean) {
    this.#path = path;
    this.#descriptor = openSync(path, 'r');
    this.#seen.set('', statIfThere(path));
    this.noteLog(usesLog);
  }

  get usesLog(): boolean {
    return this.#seen.size > 1;
  }

  /** Takes note of the write-ahead log, once there is one. */
  noteLog(usesLog: boolean): void {
    if (usesLog) for (const name of BESIDE) this.#seen.set(name, statIfThere(this.#path + name));
  }

  /** @returns what has happened to the files since they were opened, if anything has. */
  findChange(): Change | undefined {
    for (const [name, before] of this.#seen) {
      const file = this.#path + name;
      const now = statIfThere(file);
      if (!before) {
        this.#seen.set(name, now);
        continue;
      }
      if (!now) return { reason: `the file ${file} was removed.`, isWhole: true };
      if (!isSameFile(now, before)) return { reason: `the file ${file} was replaced.`, isWhole: true };
      // SQLite itself truncates its log to this size, and no further.
      if (now.size < Math.min(before.size, name === '-wal' ? JOURNAL_SIZE_LIMIT : before.size))
        return { reason: `the file ${file} was truncated.`, isWhole: false };
      before.size = now.size;
    }
    // A file that was empty from the beginning is a database without tables.
    if (this.#seen.get('')?.size && !this.#hasHeader())
      return { reason: `the file ${this.#path} was overwritten by what is no database.`, isWhole: false };
    return undefined;
  }

  /** Closes the descriptor. Only without a connection to the file: closing any descriptor of it takes the locks of all connections. */
  close(): void {
    closeSync(this.#descriptor);
  }

  #hasHeader(): boolean {
    try {
      readSync(this.#descriptor, this.#header, 0, HEADER.length, 0);
    } catch {
      return false;
    }
    return this.#header.equals(HEADER);
  }

  /**
   * Removes the log of a database file that is not in its place any more. SQLite would take it for that of the file which is there
   * now, and damage that file by it. A log that came with the new file stays.
   */
  removeStaleLog(): void {
    if (isSameFile(statIfThere(this.#path), this.#seen.get(''))) return;
    for (const name of BESIDE)
      if (this.#seen.has(name) && isSameFile(statIfThere(this.#path + name), this.#seen.get(name)))
        rmSync(this.#path + name, { force: true });
  }

  /**
   * Gives a truncated index its size back. Whoever reads the mapping beyond the end of its file is killed by SIGBUS. SQLite
   * makes the content anew where it is zero.
   */
  restoreIndexSize(): void {
    const [before, now] = [this.#seen.get('-shm'), statIfThere(`${this.#path}-shm`)];
    if (before && now && isSameFile(before, now) && now.size < before.size)
      truncateSync(`${this.#path}-shm`, before.size);
  }
}
