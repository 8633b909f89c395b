/** The search in the file of breached passwords, which reads a small part of it, however large it is. */
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'tap';
import { isBreached } from '../../../accounts/passwords/breached.ts';
import { checkBreachedFile } from '../../../config/password-files.ts';
import { breachedFile, hashFile, pipe, sha1 } from '../../support/breached.ts';

const passwords = (count: number) => Array.from({ length: count }, (_, number) => `password ${number}`);

/** @returns those of the passwords that are found in the file. */
async function foundIn(path: string, wanted: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const password of wanted) if (await isBreached(path, password)) found.push(password);
  return found;
}

/** Around the size of a block, which is the last part that is read, and of two. */
const SIZES = [1, 2, 85, 86, 87, 88, 170, 171, 172, 173, 174, 300, 700];

for (const [name, end] of [
  ['CRLF', '\r\n'],
  ['LF', '\n'],
] as const) {
  test(`Every password of a file is found, and no other, with ${name} at the ends of lines`, async (t) => {
    for (const size of SIZES) {
      const [listed, others] = [passwords(size), passwords(size).map((password) => `${password}!`)];
      const path = breachedFile(t, listed, end);
      t.equal(checkBreachedFile(path), path, `a start takes a file of ${size} lines`);
      t.strictSame(await foundIn(path, listed), listed, `${size} lines`);
      t.strictSame(await foundIn(path, others), [], `${size} lines`);
      // Without a newline at its end.
      writeFileSync(path, readFileSync(path, 'latin1').trimEnd());
      t.equal(checkBreachedFile(path), path);
      t.strictSame(await foundIn(path, listed), listed, `${size} lines without a newline at the end`);
    }
  });
}

test('Lines of the longest and the shortest counts are found', async (t) => {
  const listed = passwords(300);
  for (const count of ['1', '9'.repeat(19)]) {
    const path = hashFile(t, listed.map((password) => `${sha1(password)}:${count}`).sort());
    t.equal(checkBreachedFile(path), path);
    t.strictSame(await foundIn(path, listed), listed, count);
  }
});

/** @returns how many bytes this process has read, by whatever system call, on Linux. */
const bytesRead = () => Number(/^rchar: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);

test('A search in a file of several megabytes reads some kilobytes of it', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const listed = passwords(200_000);
  const path = breachedFile(t, listed);
  t.ok(readFileSync(path).length > 8_000_000);
  const hashes = readFileSync(path, 'latin1').split('\r\n');
  const byHash = new Map(listed.map((password) => [sha1(password), password]));
  const at = (line: number) => byHash.get((hashes[line] ?? '').slice(0, 40)) ?? '';
  const wanted = [at(0), at(1), at(99_999), at(100_000), at(199_998), at(199_999)];
  const before = bytesRead();
  t.strictSame(await foundIn(path, wanted), wanted, 'the first, the last and those in the middle are found');
  t.strictSame(await foundIn(path, ['absent', 'password', '']), []);
  const each = (bytesRead() - before) / 9;
  t.ok(each < 16_384, `${each} bytes for each search`);
});

test('A file of another form where it is searched is an error, and no answer', async (t) => {
  const path = breachedFile(t, passwords(2_000));
  const content = readFileSync(path);
  content.fill('?', 8_192, content.length - 8_192);
  writeFileSync(path, content);
  t.equal(checkBreachedFile(path), path, 'the ends are right');
  await t.rejects(isBreached(path, 'password 1'), /has no line HASH:COUNT behind byte \d+/);
  for (const text of ['<html>Not found</html>\n', `${sha1('other')}:1\n${sha1('password 1').slice(0, 20)}`]) {
    writeFileSync(path, text);
    await t.rejects(isBreached(path, 'password 1'), /has no line HASH:COUNT behind byte 0/, text);
  }
  writeFileSync(path, '');
  await t.rejects(isBreached(path, 'password 1'), /is empty/);
  await t.rejects(isBreached(pipe(t), 'password 1'), /is empty/, 'a pipe is not waited for');
  await t.rejects(isBreached(`${path}.gone`, 'password 1'), { code: 'ENOENT' });
});
