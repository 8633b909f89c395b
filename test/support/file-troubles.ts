/** What can happen to the file of an SQLite database, or to its disk, while a service has it open. */
import { execFileSync } from 'node:child_process';
import { renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import type { Test } from 'tap';
import { makeFolder } from './processes.ts';

/** What starts a service that may not write what is read-only. Root may, unless this right is taken from it. */
export const UNPRIVILEGED =
  process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] : [];

const GARBAGE = 'no database '.repeat(50_000);

/** What damages the file in its place: `path` is the file, and only another file in its place helps. */
export const DAMAGES: [string, (path: string) => void][] = [
  ['is overwritten by garbage', (path) => writeFileSync(path, GARBAGE)],
  ['is truncated to its half', (path) => truncateSync(path, Math.floor(statSync(path).size / 8192) * 4096)],
  ['is emptied', (path) => truncateSync(path)],
  ['becomes that of another program', replaceByOther],
];

/** Puts the database of another program into the place of the file. */
function replaceByOther(path: string): void {
  const other = `${path}.other`;
  const client = new Sqlite(other);
  client.exec('CREATE TABLE things (name TEXT)');
  client.close();
  renameSync(other, path);
}

/** @returns the path of a copy of the whole database as it is now, on which nobody works. */
export function copyDatabase(path: string): string {
  const copy = `${path}.copy`;
  rmSync(copy, { force: true });
  const client = new Sqlite(path);
  client.exec(`VACUUM INTO '${copy}'`);
  client.close();
  return copy;
}

/** @returns what SQLite finds wrong with the file, closed before the service goes on. */
export function faultsOf(path: string): unknown {
  const client = new Sqlite(path);
  try {
    return client.pragma('integrity_check', { simple: true });
  } finally {
    client.close();
  }
}

/** @param size in bytes. @returns a folder on a disk of its own, or undefined where the system does not let us mount one. */
export function mountSmallDisk(t: Test, size: number): string | undefined {
  const folder = makeFolder(t);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    t.not(process.env.REQUIRE_MOUNT, '1', 'REQUIRE_MOUNT=1 is set, so a disk must be mounted');
    t.comment('Skipped, because no disk can be mounted.');
    return undefined;
  }
  t.teardown(() => execFileSync('umount', ['--lazy', folder]));
  return folder;
}
