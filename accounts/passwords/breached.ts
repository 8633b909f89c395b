/**
 * Looks a password up in the file that haveibeenpwned's downloader makes: a line `HASH:COUNT` for each password, sorted by the SHA-1
 * hashes. The file has tens of gigabytes, so it is searched where it lies. It is opened for each search, so a new file that takes its
 * place is used from then on.
 */
import { hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { BREACHED_LINE, LONGEST_BREACHED_LINE, READ_WITHOUT_WAITING } from '../../config/password-files.ts';

/** How many bytes are read at once when the search has come so far. */
const BLOCK = 4096;

/** @returns whether the password is in the file. @throws when the file can't be read, or has another form where it is read. */
export async function isBreached(path: string, password: string): Promise<boolean> {
  const wanted = hash('sha1', password, 'hex').toUpperCase();
  await using file = await open(path, READ_WITHOUT_WAITING);
  // Lines from `low` on, and before `high`, may be the wanted one. Both are beginnings of lines, or the end of the file.
  let low = 0;
  let high = (await file.stat()).size;
  if (high === 0) throw new Error(`${path} is empty.`);
  while (high - low > BLOCK) {
    const middle = Math.floor((low + high) / 2);
    // In twice the length of a line there is a whole one.
    const text = await readAt(file, middle, 2 * LONGEST_BREACHED_LINE);
    const begin = text.indexOf('\n') + 1;
    const [, found] = BREACHED_LINE.exec(text.slice(begin).split(/\r?\n/, 1)[0] ?? '') ?? [];
    if (begin === 0 || !found) throw new Error(`${path} has no line HASH:COUNT behind byte ${middle}.`);
    if (found <= wanted) low = middle + begin;
    else high = middle + begin;
  }
  const lines = (await readAt(file, low, high - low)).split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  const hashes = lines.map((line) => BREACHED_LINE.exec(line)?.[1]);
  if (hashes.includes(undefined)) throw new Error(`${path} has no line HASH:COUNT behind byte ${low}.`);
  return hashes.includes(wanted);
}

async function readAt(file: FileHandle, position: number, length: number): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.toString('latin1', 0, bytesRead);
}
