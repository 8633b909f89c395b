/** Detects that an open SQLite database, or what SQLite keeps beside it, was removed, replaced, overwritten or truncated. */
import { closeSync, openSync, readSync, rmSync, type Stats, statSync, truncateSync } from 'node:fs';
import type Sqlite from 'better-sqlite3';
import { JOURNAL_SIZE_LIMIT } from './connection.ts';
import { SharedDescriptor } from './shared-descriptor.ts';

/** The write-ahead log (WAL), and its index, which all processes map into their memory. */
const [LOG, INDEX] = ['-wal', '-shm'];

/** What a database and a log begin with. */
const DATABASE_MAGIC = Buffer.from('SQLite format 3\0');
const LOG_MAGIC = Buffer.from([0x37, 0x7f, 0x06]);

/** In bytes: the header of the log, and that of each page in it. @see https://www.sqlite.org/fileformat2.html#walformat */
const LOG_HEADER = 32;
const FRAME_HEADER = 24;

/** A file as it was seen last: under its inode, and with its size in bytes. */
type Seen = Pick<Stats, 'dev' | 'ino' | 'size'>;

/** What happened to the files. `isWhole` is whether SQLite can still copy the whole log into the database file. */
interface Change {
  reason: string;
  isWhole: boolean;
}

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

function beginsWith(descriptor: number, magic: Buffer): boolean {
  const found = Buffer.alloc(magic.length);
  try {
    readSync(descriptor, found, 0, magic.length, 0);
  } catch {
    return false;
  }
  return found.equals(magic);
}

/** The files of a database in the state in which it was opened. */
export class DatabaseFiles {
  readonly #path: string;
  /** A connection reads the beginning of the file from its cache. */
  readonly #file: SharedDescriptor;
  /** SQLite has no locks on the log, so its descriptor needs no such care. */
  #log: number | undefined;
  readonly #countFrames: Sqlite.Statement<[], unknown[]>;
  readonly #frameSize: number;
  readonly #seen = new Map<string, Seen>();

  /** @param client the connection that has opened the files. */
  constructor(path: string, client: Sqlite.Database) {
    this.#path = path;
    this.#file = new SharedDescriptor(path);
    this.#countFrames = client.prepare<[], unknown[]>('PRAGMA wal_checkpoint(NOOP)').raw();
    this.#frameSize = FRAME_HEADER + Number(client.pragma('page_size', { simple: true }));
    this.findChange();
  }

  /** @returns what has happened to the files since they were opened, if anything has. */
  findChange(): Change | undefined {
    const frames = this.#frameCount();
    for (const name of frames < 0 ? [''] : ['', LOG, INDEX]) {
      const file = this.#path + name;
      const before = this.#seen.get(name);
      const now = statIfThere(file);
      if (before && !now) return { reason: `the file ${file} was removed.`, isWhole: true };
      // Whoever made another index writes by it, and its log is ours: what we copied by the old one could be older than what is there.
      if (before && !isSameFile(now, before))
        return { reason: `the file ${file} was replaced.`, isWhole: name !== INDEX };
      if (!now) continue;
      if (!before && name === LOG) this.#log = openSync(file, 'r');
      this.#seen.set(name, now);
      // SQLite itself mends a truncated index.
      const isTruncated =
        name === LOG ? this.#isLogTruncated(now, frames) : name === '' && now.size < (before?.size ?? 0);
      if (isTruncated) return { reason: `the file ${file} was truncated.`, isWhole: false };
    }
    // A file that was empty from the beginning is a database without tables.
    if (this.#seen.get('')?.size && !beginsWith(this.#file.number, DATABASE_MAGIC))
      return { reason: `the file ${this.#path} was overwritten by what is no database.`, isWhole: false };
    return undefined;
  }

  /**
   * Takes a log away that would damage the database: one of a file that is not in its place any more, which SQLite would take for
   * that of the file which is there now, and what is left of one that was truncated, which would undo newer pages. SQLite begins a
   * new log in place of an empty one as soon as no process has the old one open. A log that came with a new file stays.
   * @throws {Error} when that is not possible.
   */
  discardUselessLog(): void {
    const isInPlace = isSameFile(statIfThere(this.#path), this.#seen.get(''));
    for (const name of [LOG, INDEX]) {
      const now = statIfThere(this.#path + name);
      if (!now || !isSameFile(now, this.#seen.get(name))) continue;
      if (!isInPlace) rmSync(this.#path + name, { force: true });
      else if (name === LOG && this.#isLogTruncated(now, this.#frameCount())) truncateSync(this.#path + name);
    }
  }

  /** Closes the descriptors. Only without a connection to the file (see SharedDescriptor). */
  close(): void {
    this.#file.close();
    if (this.#log !== undefined) closeSync(this.#log);
  }

  /** @returns how many pages the log has by its index, whoever wrote them; less than 0 without a log. */
  #frameCount(): number {
    try {
      return Number(this.#countFrames.get()?.[1]);
    } catch {
      // What is wrong is told by the next read or write.
      return 0;
    }
  }

  #isLogTruncated({ size }: Seen, frames: number): boolean {
    if (frames <= 0 || this.#log === undefined) return false;
    // SQLite writes into the log before it counts, and truncates it afterwards, to this limit and no further.
    const least = Math.min(LOG_HEADER + frames * this.#frameSize, JOURNAL_SIZE_LIMIT);
    // A write that was under way when the log was emptied makes it long again, behind a hole.
    return size < least || !beginsWith(this.#log, LOG_MAGIC);
  }
}
