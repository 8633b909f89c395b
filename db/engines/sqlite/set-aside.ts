/** Moves a database that can't be read out of the way, so that nothing of it is lost and a new one can be made. */
import { existsSync, renameSync } from 'node:fs';

/** What SQLite keeps beside a database. It belongs to that file and would damage another one. */
const BESIDE = ['-wal', '-shm'];

/** Moves the file, and what SQLite keeps beside it. No process may have it open. @throws when a file can't be moved. */
export function setAside(path: string, newPath: string): void {
  // First what is beside: without the file nobody takes it for theirs.
  for (const suffix of [...BESIDE, ''])
    if (existsSync(`${path}${suffix}`)) renameSync(`${path}${suffix}`, `${newPath}${suffix}`);
}
