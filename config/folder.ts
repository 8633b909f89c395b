/** Makes the folders of the files that the service keeps: the database and the secret key. */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf } from './errors.ts';

/**
 * Creates a folder that only its owner can enter, with the missing folders above it. Node's own `recursive` never returns where
 * no folder can be created, such as below /proc.
 * @throws when a folder can't be created.
 */
export function createFolder(path: string): void {
  if (existsSync(path)) return;
  createFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may have created it meanwhile.
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}
