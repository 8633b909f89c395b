/** Tests the faults of the configuration file and of secret files, and that several faults are reported at once. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { loadSettings } from '../../config/load.ts';
import { makeSecret } from '../../config/secret.ts';
import { makeFolder } from '../support/processes.ts';
import { configFile, faultsOf, type Values } from '../support/settings.ts';

const KEY = makeSecret();

test('Faults of the configuration file are reported', async (t) => {
  const folder = makeFolder(t);

  t.test('An unknown name in the file is reported with the list of settings', async (t) => {
    const { path, environment } = configFile(folder, ['PORTT=5000']);
    const lines = faultsOf(folder, environment);
    t.equal(lines.length, 1);
    t.match(lines[0], `PORTT (given in ${path}) is not a setting`);
    t.match(lines[0], /NODE_ENV, HOST, PORT, WORKERS/);
  });

  t.test('A malformed line of the file is reported with its number', async (t) => {
    const lines = ['# fine', '', 'export PORT=1', 'PORT 5000', '  # also fine'];
    const { path, environment } = configFile(folder, lines);
    t.match(faultsOf(folder, environment), [new RegExp(`^Line 4 of ${path} is not of the form NAME=value`)]);
    t.equal(faultsOf(folder, environment).length, 1);
  });

  t.test('A missing configuration file is reported with its path', async (t) => {
    const lines = faultsOf(folder, { APP_CONFIG_FILE: 'config/nowhere.env' });
    t.equal(lines.length, 1);
    t.match(lines[0], `APP_CONFIG_FILE names ${join(folder, 'config/nowhere.env')}`);
    t.match(lines[0], 'there is no such file');
  });

  t.test('A folder as the configuration file is reported', async (t) => {
    mkdirSync(join(folder, 'folder'));
    const lines = faultsOf(folder, { APP_CONFIG_FILE: 'folder' });
    t.equal(lines.length, 1);
    t.match(lines[0], 'it is a folder');
  });
});

test('A secret can be read from a file', async (t) => {
  const folder = makeFolder(t);
  writeFileSync(join(folder, 'key'), `${KEY}\n`);

  t.test('SECRET_KEY_FILE is relative to the project, and the last newline is removed', async (t) => {
    const settings = loadSettings({ root: folder, environment: { SECRET_KEY_FILE: 'key' } });
    t.same(settings.SECRET_KEY, [KEY]);
  });

  t.test('A missing secret file is reported', async (t) => {
    const lines = faultsOf(folder, { SECRET_KEY_FILE: 'nowhere' });
    t.match(lines, [/^SECRET_KEY_FILE \(given in the environment\) names .*nowhere.*there is no such file/]);
    t.equal(lines.length, 1);
  });

  t.test('An empty secret file is reported', async (t) => {
    writeFileSync(join(folder, 'empty'), '\n');
    t.match(faultsOf(folder, { SECRET_KEY_FILE: 'empty' }), [
      /^SECRET_KEY is .*empty, named by SECRET_KEY_FILE/,
    ]);
  });

  t.test('SECRET_KEY and SECRET_KEY_FILE can not be set together', async (t) => {
    const lines = faultsOf(folder, { SECRET_KEY: KEY, SECRET_KEY_FILE: 'key' });
    t.match(lines, [/^SECRET_KEY and SECRET_KEY_FILE are both given in the environment/]);
    t.equal(lines.length, 1);
  });

  t.test('SECRET_KEY_FILE in the environment overrides SECRET_KEY in the configuration file', async (t) => {
    const { environment } = configFile(folder, [`SECRET_KEY=${makeSecret()}`]);
    const settings = loadSettings({ root: folder, environment: { ...environment, SECRET_KEY_FILE: 'key' } });
    t.same(settings.SECRET_KEY, [KEY]);
  });
});

test('Several faults are reported at once, one per line', async (t) => {
  const folder = makeFolder(t);
  const assertFaults = (t: Test, values: Values, names: string[]) => {
    const lines = faultsOf(folder, values);
    t.same(lines.map((line) => /\w+/.exec(line)?.[0]).sort(), names.sort(), lines.join('\n'));
  };

  t.test('All invalid values are reported', async (t) =>
    assertFaults(t, { PORT: 'x', LOG_LEVEL: 'loud', HOST: 'a b' }, ['PORT', 'LOG_LEVEL', 'HOST']),
  );

  t.test('All conflicts between settings are reported', async (t) =>
    assertFaults(
      t,
      { NODE_ENV: 'production', SESSION_IDLE: '100', SESSION_LIFETIME: '50', AUTH_HACK_USER: 'ann' },
      ['SECRET_KEY', 'SESSION_IDLE', 'AUTH_HACK_USER'],
    ),
  );

  t.test('An unknown name and an invalid value are both reported', async (t) => {
    const { environment } = configFile(folder, ['PORTT=1', 'LOG_LEVEL=loud']);
    assertFaults(t, environment, ['PORTT', 'LOG_LEVEL']);
  });

  t.test('An invalid value and a missing secret are both reported', async (t) =>
    assertFaults(t, { NODE_ENV: 'production', PORT: 'x' }, ['PORT', 'SECRET_KEY']),
  );
});
