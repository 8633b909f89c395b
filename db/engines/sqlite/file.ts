/** Detects that an open SQLite database, or what SQLite keeps beside it, was removed, replaced, emptied or truncated. */
import {
  closeSync,
  openSync,
  readSync,
  rmSync,
  type Stats,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { JOURNAL_SIZE_LIMIT } from './connection.ts';
import { SharedDescriptor } from './shared-descriptor.ts';

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

/** The head of the index: where it has the size of a page and the number of frames in the log, in bytes. SQLite makes it anew from zeros. */
const INDEX = { pageSize: 14, frames: 16, length: 136 };
/** In bytes: the head of the log, and that of each frame, which holds a page. */
const LOG = { head: 32, frameHead: 24 };

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
  readonly #file: SharedDescriptor;
  #index: SharedDescriptor | undefined;
  readonly #header = Buffer.alloc(HEADER.length);
  readonly #seen = new Map<string, Seen | undefined>();

  /** @param usesLog whether the database has a write-ahead log. Each connection keeps the log there until it closes. */
  constructor(path: string, usesLog: boolean) {
    this.#path = path;
    this.#file = new SharedDescriptor(path);
    this.#seen.set('', statIfThere(path));
    this.noteLog(usesLog);
  }

  /** Takes note of the write-ahead log, once there is one. */
  noteLog(usesLog: boolean): void {
    if (usesLog) for (const name of BESIDE) this.#noteFirst(name, statIfThere(this.#path + name));
  }

  #noteFirst(name: string, file: Seen | undefined): void {
    this.#seen.set(name, file);
    if (name === '-shm' && file) this.#index ??= new SharedDescriptor(this.#path + name);
  }

  /** @returns what has happened to the files since they were opened, if anything has. */
  findChange(): Change | undefined {
    for (const [name, before] of this.#seen) {
      const file = this.#path + name;
      // SQLite writes into the log before the index, and truncates it afterwards, to this size and no further.
      const least = name === '-wal' ? Math.min(this.#logSize(), JOURNAL_SIZE_LIMIT) : (before?.size ?? 0);
      const now = statIfThere(file);
      if (!before) {
        this.#noteFirst(name, now);
        continue;
      }
      if (!now) return { reason: `the file ${file} was removed.`, isWhole: true };
      // Whoever made another index writes by it, and its log is ours: what we copied by the old one could be older than what is there.
      if (!isSameFile(now, before))
        return { reason: `the file ${file} was replaced.`, isWhole: name !== '-shm' };
      if (now.size < least) return { reason: `the file ${file} was truncated.`, isWhole: false };
      before.size = now.size;
    }
    // A file that was empty from the beginning is a database without tables.
    if (this.#seen.get('')?.size && !this.#hasHeader())
      return { reason: `the file ${this.#path} was overwritten by what is no database.`, isWhole: false };
    return undefined;
  }

  /** Closes the descriptors. Only without a connection to the file (see SharedDescriptor). */
  close(): void {
    this.#file.close();
    this.#index?.close();
  }

  /** @returns how long the log is by its index, in bytes: a log that is shorter was truncated, whoever has seen how long it was. */
  #logSize(): number {
    if (!this.#index) return 0;
    const head = Buffer.alloc(INDEX.length);
    readSync(this.#index.number, head, 0, INDEX.length, 0);
    const frames = head.readUInt32LE(INDEX.frames);
    return frames === 0 ? 0 : LOG.head + frames * (LOG.frameHead + head.readUInt16LE(INDEX.pageSize));
  }

  #hasHeader(): boolean {
    try {
      readSync(this.#file.number, this.#header, 0, HEADER.length, 0);
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
   * Lets SQLite begin a new log where the present one is shorter than its index says. The index lives as long as any process has it open,
   * and would go on to name what is not there. What is left of the log would undo newer pages of the database.
   */
  discardTruncatedLog(): void {
    const [log, index] = BESIDE.map((name) => statIfThere(this.#path + name));
    // Those of a file that has taken the place of ours are not for us.
    if (!isSameFile(log, this.#seen.get('-wal')) || !isSameFile(index, this.#seen.get('-shm'))) return;
    if (!log || log.size >= Math.min(this.#logSize(), JOURNAL_SIZE_LIMIT)) return;
    truncateSync(`${this.#path}-wal`);
    const descriptor = openSync(`${this.#path}-shm`, 'r+');
    writeSync(descriptor, Buffer.alloc(INDEX.length), 0, INDEX.length, 0);
    closeSync(descriptor);
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
