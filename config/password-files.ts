/**
 * The files of passwords that settings name. A start reads or checks them, so that a wrong file stops the start, and not the first
 * user who sets a password.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { readText } from './sources.ts';

/** In bytes. Each process keeps the list in memory. */
const LARGEST_BLOCKLIST = 1024 * 1024;

/** A line of the file of breached passwords: a SHA-1 hash in upper case, and how often the password was found. */
export const BREACHED_LINE = /^([0-9A-F]{40}):\d{1,19}$/;
/** In bytes, with the end of the line. */
export const LONGEST_BREACHED_LINE = 62;

/** How the file is opened: without waiting for a writer where a pipe has taken its place. */
export const READ_WITHOUT_WAITING = constants.O_RDONLY | constants.O_NONBLOCK;

/** @returns its size in bytes. @throws when it is a pipe or a device, of which there may be no end. */
function sizeOf(stats: Stats): number {
  if (stats.isFile() || stats.isDirectory()) return stats.size;
  throw new Error('it is a pipe or a device, and no file');
}

/** How much is checked at each end, in bytes. */
const BLOCK = 4096;

/** @returns the passwords in the file, one a line, exactly as they stand there. @throws when it is too large, can't be read or is not UTF-8. */
export function readBlocklist(path: string): string[] {
  if (sizeOf(statSync(path)) > LARGEST_BLOCKLIST)
    throw new Error('it is larger than 1 MiB; put a list of that size into BREACHED_PASSWORDS_FILE');
  return readText(path)
    .split(/\r\n|\r|\n/)
    .filter((line) => line !== '');
}

/**
 * Checks the beginning and the end of a file of breached passwords, which is too large to be read as a whole.
 * @returns its path. @throws when it can't be read, or its lines are not HASH:COUNT in the order of their hashes.
 */
export function checkBreachedFile(path: string): string {
  const file = openSync(path, READ_WITHOUT_WAITING);
  try {
    const size = sizeOf(fstatSync(file));
    const linesAt = (position: number, length: number) => {
      const buffer = Buffer.alloc(length);
      return buffer.toString('latin1', 0, readSync(file, buffer, 0, length, position)).split(/\r?\n/);
    };
    const lines =
      size <= 2 * BLOCK
        ? linesAt(0, size)
        : [...linesAt(0, BLOCK).slice(0, -1), ...linesAt(size - BLOCK, BLOCK).slice(1)];
    if (lines.at(-1) === '') lines.pop();
    if (lines.length > 0 && areSorted(lines)) return path;
  } finally {
    closeSync(file);
  }
  throw new Error(
    "it is not sorted by hash, with a line HASH:COUNT for each SHA-1 hash in upper case, as haveibeenpwned's downloader makes it",
  );
}

function areSorted(lines: string[]): boolean {
  let last = '';
  return lines.every((line) => {
    const [, hash = ''] = BREACHED_LINE.exec(line) ?? [];
    const isNext = hash > last;
    last = hash;
    return isNext;
  });
}
