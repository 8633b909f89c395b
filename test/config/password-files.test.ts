/** The files of passwords that settings name: their odd forms, and the one line by which a wrong one stops a start. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { loadSettings } from '../../config/load.ts';
import { hashFile, pipe, sha1 } from '../support/breached.ts';
import { makeFolder } from '../support/processes.ts';
import { faultsOf } from '../support/settings.ts';

function textFile(t: Test, content: string | Buffer): string {
  const path = join(makeFolder(t), 'list.txt');
  writeFileSync(path, content);
  return path;
}

const BLOCKLISTS: { of: string; content: string; passwords: string[] }[] = [
  { of: 'nothing', content: '', passwords: [] },
  { of: 'lines', content: 'one\ntwo\n', passwords: ['one', 'two'] },
  { of: 'no newline at the end', content: 'one\ntwo', passwords: ['one', 'two'] },
  { of: 'CRLF and a byte order mark', content: '\uFEFFone\r\ntwo\r\n', passwords: ['one', 'two'] },
  { of: 'CR alone', content: 'one\rtwo\r', passwords: ['one', 'two'] },
  { of: 'blank lines', content: '\n\none\n\n\ntwo\n\n', passwords: ['one', 'two'] },
  { of: 'spaces at the ends, which count', content: ' one \n\ttwo', passwords: [' one ', '\ttwo'] },
  { of: 'what looks like a comment', content: '# one\n"two"', passwords: ['# one', '"two"'] },
  { of: 'other scripts', content: 'пароль\n密码密码', passwords: ['пароль', '密码密码'] },
];

test('PASSWORD_BLOCKLIST is read a password a line', async (t) => {
  for (const { of, content, passwords } of BLOCKLISTS) {
    const path = textFile(t, content);
    const environment = { PASSWORD_BLOCKLIST: path };
    t.strictSame(loadSettings({ root: '/', environment }).PASSWORD_BLOCKLIST, passwords, of);
  }
  t.strictSame(
    loadSettings({ root: '/', environment: {} }).PASSWORD_BLOCKLIST,
    [],
    'there is none by default',
  );
});

test('Relative paths of password files start from the project', async (t) => {
  const root = makeFolder(t);
  writeFileSync(join(root, 'list.txt'), 'one');
  writeFileSync(join(root, 'breached.txt'), `${sha1('one')}:1\n`);
  const environment = { PASSWORD_BLOCKLIST: 'list.txt', BREACHED_PASSWORDS_FILE: './breached.txt' };
  t.match(loadSettings({ root, environment }), {
    PASSWORD_BLOCKLIST: ['one'],
    BREACHED_PASSWORDS_FILE: join(root, 'breached.txt'),
  });
});

const hashes = Array.from({ length: 1_000 }, (_, number) => `${sha1(String(number))}:${number}`).sort();
const swapped = (at: number) => hashes.with(at, hashes[at + 1] ?? '').with(at + 1, hashes[at] ?? '');
const FORM = /sorted by hash, with a line HASH:COUNT for each SHA-1 hash in upper case/;

const WRONG: { of: string; setting: string; path: (t: Test) => string; says: RegExp }[] = [
  ...['PASSWORD_BLOCKLIST', 'BREACHED_PASSWORDS_FILE'].flatMap((setting) => [
    { of: 'no file', setting, path: () => '/nowhere/list.txt', says: /there is no such file/ },
    { of: 'a folder', setting, path: (t: Test) => makeFolder(t), says: /it is a folder/ },
    { of: 'a pipe', setting, path: pipe, says: /it is a pipe or a device, and no file/ },
    { of: 'a device', setting, path: () => '/dev/zero', says: /it is a pipe or a device, and no file/ },
  ]),
  {
    of: 'a list in Latin-1',
    setting: 'PASSWORD_BLOCKLIST',
    path: (t) => textFile(t, Buffer.from('pässwörd', 'latin1')),
    says: /it is not text in UTF-8/,
  },
  {
    of: 'a list of more than a megabyte',
    setting: 'PASSWORD_BLOCKLIST',
    path: (t) => textFile(t, 'x'.repeat(1024 * 1024 + 1)),
    says: /larger than 1 MiB; put a list of that size into BREACHED_PASSWORDS_FILE/,
  },
  ...[
    { of: 'an empty file', lines: [] },
    { of: 'passwords', lines: ['password', 'letmein'] },
    { of: 'hashes without counts', lines: hashes.map((line) => line.slice(0, 40)) },
    { of: 'hashes in lower case', lines: hashes.map((line) => line.toLowerCase()) },
    { of: 'NTLM hashes', lines: hashes.map((line) => line.slice(8)) },
    { of: 'hashes in descending order', lines: hashes.toReversed() },
    { of: 'two lines in the wrong order at the beginning', lines: swapped(3) },
    { of: 'two lines in the wrong order at the end', lines: swapped(996) },
    { of: 'a hash twice', lines: [...hashes.slice(0, 1), ...hashes] },
    { of: 'a blank line at the end', lines: [...hashes, ''] },
    { of: 'a last line that was not written as a whole', lines: [...hashes, 'FFFF'] },
  ].map(({ of, lines }) => ({
    of,
    setting: 'BREACHED_PASSWORDS_FILE',
    path: (t: Test) => hashFile(t, lines),
    says: FORM,
  })),
];

for (const { of, setting, path, says } of WRONG) {
  test(`${setting} that names ${of} is reported in one line`, async (t) => {
    const named = path(t);
    const [line = '', ...others] = faultsOf('/', { [setting]: named });
    t.ok(
      line.startsWith(`${setting} (given in the environment) names ${named}, which can't be read: `),
      line,
    );
    t.match(line, says);
    t.strictSame(others, []);
  });
}

test('The least length of passwords is 8 to 64 characters', async (t) => {
  const root = makeFolder(t);
  for (const PASSWORD_MIN_LENGTH of ['8', '15', '64'])
    t.strictSame(faultsOf(root, { PASSWORD_MIN_LENGTH }), [], PASSWORD_MIN_LENGTH);
  for (const PASSWORD_MIN_LENGTH of ['7', '65', '0', 'long'])
    t.match(faultsOf(root, { PASSWORD_MIN_LENGTH }), [/^PASSWORD_MIN_LENGTH is .*from 8 to 64\.$/]);
});
