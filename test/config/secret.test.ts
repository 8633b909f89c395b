/** The service generates its own secret key: all processes must use the same one, and other users must not read it. */
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'tap';
import { loadSettings } from '../../config/load.ts';
import { PROJECT_ROOT } from '../../config/project.ts';
import { makeSecret, withSecret } from '../../config/secret.ts';
import { makeFolder } from '../support/processes.ts';
import { Running } from '../support/running.ts';

function settingsIn(folder: string, environment: Record<string, string> = {}) {
  return loadSettings({ root: folder, environment });
}

test('A missing secret key is generated once', async (t) => {
  const folder = makeFolder(t);
  const settings = settingsIn(folder);
  const first = withSecret(settings).SECRET_KEY;

  t.test('The generated key has 256 bits', async (t) => {
    t.equal(first.length, 1);
    t.match(first[0], /^[\w-]{43}$/);
    t.not(makeSecret(), makeSecret());
  });

  t.test('Only the owner can read the key file and its folder', async (t) => {
    t.equal(statSync(settings.secretPath).mode & 0o777, 0o600);
    t.equal(statSync(join(folder, 'data')).mode & 0o777, 0o700);
    t.same(readdirSync(join(folder, 'data')), ['secret.key'], 'no other file is left');
  });

  t.test('The next start reads the same key', async (t) => {
    const before = readFileSync(settings.secretPath, 'utf8');
    t.same(withSecret(settingsIn(folder)).SECRET_KEY, first);
    t.equal(readFileSync(settings.secretPath, 'utf8'), before);
  });
});

test('Two paths to one database find the same key', async (t) => {
  const folder = makeFolder(t);
  mkdirSync(join(folder, 'real'));
  symlinkSync('real/rollcall.db', join(folder, 'link.db'));
  symlinkSync('real', join(folder, 'folder'));
  const keyOf = (path: string) =>
    withSecret(settingsIn(folder, { DATABASE_URL: `sqlite:${path}` })).SECRET_KEY;
  const key = keyOf('real/rollcall.db');
  t.same(keyOf('link.db'), key, 'by a link to a file that is not there yet');
  writeFileSync(join(folder, 'real/rollcall.db'), '');
  t.same(keyOf('link.db'), key, 'by a link to the file');
  t.same(keyOf('folder/rollcall.db'), key, 'by a link to the folder');
  t.same(readdirSync(join(folder, 'real')).sort(), ['rollcall.db', 'secret.key']);
  t.same(readdirSync(folder).sort(), ['folder', 'link.db', 'real']);
});

test('A configured key is used, and no file is made', async (t) => {
  const folder = makeFolder(t);
  const key = makeSecret();
  t.same(withSecret(settingsIn(folder, { SECRET_KEY: key })).SECRET_KEY, [key]);
  t.same(readdirSync(folder), []);
});

/** How often the processes race for a new key; one race may pass by chance. */
const ROUNDS = 50;

test('Processes that start at the same time use the same key', async (t) => {
  const folder = makeFolder(t);
  const module = (path: string) => JSON.stringify(pathToFileURL(join(PROJECT_ROOT, path)).href);
  const program = `
    import { loadSettings } from ${module('config/load.ts')};
    import { withSecret } from ${module('config/secret.ts')};
    const settings = loadSettings({ root: process.argv[1], environment: {} });
    process.stdin.once('data', () => {
      const make = (round) => withSecret({ ...settings, secretPath: process.argv[1] + '/' + round + '/secret.key' });
      const keys = Array.from({ length: ${ROUNDS} }, (_, round) => make(round).SECRET_KEY.join());
      process.stdout.write('keys: ' + keys + '\\n', () => process.exit());
    });
    process.stdout.write('ready\\n');
  `;
  const start = () =>
    new Running(folder, process.execPath, ['--input-type=module', '-e', program, folder], {}, 'pipe');
  const processes = Array.from({ length: 8 }, start);
  t.teardown(() => {
    for (const each of processes) each.kill();
  });
  const find = (pattern: RegExp) => (stdout: string) => pattern.exec(stdout)?.[0];
  await Promise.all(processes.map((each) => each.says('ready', find(/ready/))));
  for (const { child } of processes) child.stdin?.write('go');
  const keys = await Promise.all(processes.map((each) => each.says('its keys', find(/keys: .*\n/))));

  const rounds = Array.from({ length: ROUNDS }, (_, round) => join(folder, `${round}`));
  const kept = rounds.map((path) => readFileSync(join(path, 'secret.key'), 'utf8').trim());
  t.same(new Set(keys), new Set([`keys: ${kept}\n`]));
  for (const path of rounds) t.same(readdirSync(path), ['secret.key'], 'no other file is left');
});

test('A key file without a valid key is refused and not changed', async (t) => {
  for (const content of ['', 'short\n']) {
    const folder = makeFolder(t);
    const settings = { ...settingsIn(folder), secretPath: join(folder, 'secret.key') };
    writeFileSync(settings.secretPath, content);
    t.throws(() => withSecret(settings), {
      name: 'SettingsError',
      message: new RegExp(`${settings.secretPath} holds no key of 32 characters. Remove it`),
    });
    t.equal(readFileSync(settings.secretPath, 'utf8'), content);
  }
});

test('An impossible path of the key file is reported in one line with the path', async (t) => {
  const folder = makeFolder(t);
  writeFileSync(join(folder, 'file'), '');
  for (const secretPath of [folder, join(folder, 'file', 'secret.key')]) {
    const refused = () => withSecret({ ...settingsIn(folder), secretPath });
    t.throws(refused, {
      name: 'SettingsError',
      message: new RegExp(`^.*${secretPath} can't be read or created: .*$`),
    });
  }
});

test('A temporary file of a crashed process does not prevent a new key', async (t) => {
  const folder = makeFolder(t);
  const settings = { ...settingsIn(folder), secretPath: join(folder, 'secret.key') };
  // In a container the service has the same process id at every start, and so the same name of the file.
  writeFileSync(`${settings.secretPath}.${process.pid}`, '');
  t.match(withSecret(settings).SECRET_KEY, [/^[\w-]{43}$/]);
});
