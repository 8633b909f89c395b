/** Makes files of breached passwords, as haveibeenpwned's downloader does. */
import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { makeFolder } from './processes.ts';

/** @returns the SHA-1 hash of a password as it stands in the file. */
export const sha1 = (password: string) => hash('sha1', password, 'hex').toUpperCase();

/** @returns the path of a new file with these lines. @param end what each of them ends with. */
export function hashFile(t: Test, lines: string[], end = '\r\n'): string {
  const path = join(makeFolder(t), 'breached.txt');
  writeFileSync(path, lines.map((line) => line + end).join(''));
  return path;
}

/** @returns the path of a new file of the hashes of these passwords, sorted. */
export function breachedFile(t: Test, passwords: string[], end?: string): string {
  const lines = passwords.map((password, index) => `${sha1(password)}:${10 ** (index % 8)}`);
  return hashFile(t, lines.sort(), end);
}

/** @returns the path of a pipe that nobody writes to: to open it as a file would wait for ever. */
export function pipe(t: Test): string {
  const path = join(makeFolder(t), 'pipe');
  execFileSync('mkfifo', [path]);
  return path;
}
