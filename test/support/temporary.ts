/**
 * Makes the folders of databases and servers for tests, in memory where the system has such a place. A MySQL server makes the tables there
 * fifteen times as fast as on a disk, since it waits for the disk at each change of a table.
 */
import { existsSync, mkdirSync, mkdtempSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MEMORY = '/dev/shm';
/** What the servers and files of tests that run at once need at most, in bytes. */
const NEEDED = 2 ** 31;

function hasRoom(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= NEEDED;
  } catch {
    return false;
  }
}

const PLACE = hasRoom(MEMORY) ? MEMORY : tmpdir();

/** @returns an empty folder that the caller removes. */
export function makeTemporaryFolder(prefix: string): string {
  return mkdtempSync(join(PLACE, prefix));
}

/** The folders for code that this process has had. It keeps what it has loaded by the path. */
const codeFolders = new Set<string>();

/**
 * @returns an empty folder for a copy of the code, which the caller removes. Its name is used again and again, by one process at a time,
 * since Node finds compiled code by the path of the file.
 */
export function makeCodeFolder(prefix: string): string {
  for (let number = 1; ; number++) {
    const folder = join(PLACE, `${prefix}${number}`);
    if (codeFolders.has(folder)) continue;
    try {
      mkdirSync(folder, { mode: 0o700 });
    } catch (error) {
      if (existsSync(folder)) continue;
      throw error;
    }
    codeFolders.add(folder);
    return folder;
  }
}
