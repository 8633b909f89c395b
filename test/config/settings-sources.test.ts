/**
 * Tests where settings come from and which source has precedence, and that the example files and docs/settings.md match the
 * schema of the settings.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { test } from 'tap';
import { loadSettings } from '../../config/load.ts';
import { PROJECT_ROOT } from '../../config/project.ts';
import { SettingsSchema, settingNames } from '../../config/schema.ts';
import { makeSecret } from '../../config/secret.ts';
import { makeFolder } from '../support/processes.ts';

test('Settings come from flags, the environment, the file and the defaults, in this order', async (t) => {
  const root = makeFolder(t);
  writeFileSync(join(root, 'settings.env'), 'NODE_ENV=test\nHOST=from.file\nPORT=1001\nLOG_LEVEL=warn\n');
  const file = { APP_CONFIG_FILE: 'settings.env' };

  t.test('Defaults apply when nothing is set', async (t) => {
    t.match(loadSettings({ root, environment: {} }), {
      NODE_ENV: 'development',
      HOST: '127.0.0.1',
      PORT: 5000,
      LOG_LEVEL: 'info',
      TRUST_PROXY: false,
      AUTO_MIGRATE: true,
      SECRET_KEY: [],
      SESSION_IDLE: 7200,
      SESSION_LIFETIME: 86400,
      REMEMBER_LIFETIME: 2592000,
    });
  });

  t.test('The configuration file overrides the defaults', async (t) => {
    t.match(loadSettings({ root, environment: file }), { HOST: 'from.file', PORT: 1001, LOG_LEVEL: 'warn' });
  });

  t.test('A blank APP_CONFIG_FILE is as good as none', async (t) => {
    t.match(loadSettings({ root, environment: { APP_CONFIG_FILE: '  ' } }), {
      HOST: '127.0.0.1',
      PORT: 5000,
    });
  });

  t.test('Only settings must be text in UTF-8, whatever else is in the environment', async (t) => {
    const unreadable = 'gr\uFFFD\uFFFDe';
    t.match(loadSettings({ root, environment: { GREETING: unreadable, PORT: '1002' } }), { PORT: 1002 });
    for (const name of ['AUTH_HACK_USER', 'SECRET_KEY_FILE'])
      t.throws(() => loadSettings({ root, environment: { [name]: unreadable } }), {
        message: new RegExp(`^${name} \\(given in the environment\\) is not text in UTF-8\\.`),
      });
  });

  t.test('The environment overrides the configuration file', async (t) => {
    const settings = loadSettings({ root, environment: { ...file, PORT: '1002', LOG_LEVEL: 'error' } });
    t.match(settings, { HOST: 'from.file', PORT: 1002, LOG_LEVEL: 'error' });
  });

  t.test('The command line overrides the environment', async (t) => {
    const environment = { ...file, HOST: 'from.environment', PORT: '1002' };
    t.match(loadSettings({ root, environment, flags: { PORT: '1003', HOST: undefined } }), {
      HOST: 'from.environment',
      PORT: 1003,
    });
  });

  t.test('An empty value counts as not set', async (t) => {
    const environment = { ...file, PORT: '', SECRET_KEY: '', SECRET_KEY_FILE: '', AUTO_MIGRATE: '' };
    t.match(loadSettings({ root, environment, flags: { HOST: '' } }), {
      HOST: 'from.file',
      PORT: 1001,
      SECRET_KEY: [],
      AUTO_MIGRATE: true,
    });
    t.equal(loadSettings({ root, environment: { APP_CONFIG_FILE: '' } }).configFile, undefined);
  });

  t.test('Unknown environment variables are ignored', async (t) => {
    t.doesNotThrow(() => loadSettings({ root, environment: { PORTT: '1', EDITOR_FILE: '/nowhere' } }));
  });
});

test('Relative paths in settings start at the project folder', async (t) => {
  const root = makeFolder(t);
  const path = join(root, 'settings.env');
  writeFileSync(path, 'PORT=1001\n');

  t.test('APP_CONFIG_FILE may be absolute or relative to the project', async (t) => {
    for (const APP_CONFIG_FILE of ['settings.env', './settings.env', path]) {
      t.match(loadSettings({ root, environment: { APP_CONFIG_FILE } }), { PORT: 1001, configFile: path });
    }
  });

  t.test('DATABASE_URL may be absolute or relative, and secret.key is in its folder', async (t) => {
    const load = (DATABASE_URL: string) => loadSettings({ root, environment: { DATABASE_URL } });
    t.match(load(''), {
      DATABASE_URL: `sqlite:${join(root, 'data/rollcall.db')}`,
      secretPath: join(root, 'data/secret.key'),
    });
    t.match(load('sqlite:here/r.db'), {
      DATABASE_URL: `sqlite:${join(root, 'here/r.db')}`,
      secretPath: join(root, 'here/secret.key'),
    });
    t.match(load('sqlite:/var/r.db'), { DATABASE_URL: 'sqlite:/var/r.db', secretPath: '/var/secret.key' });
    t.match(load('mysql://ann:pw@db/rollcall'), {
      DATABASE_URL: 'mysql://ann:pw@db/rollcall',
      AUTO_MIGRATE: false,
    });
  });
});

test('Values are converted to the types of the settings', async (t) => {
  const [newest, older] = [makeSecret(), makeSecret()];
  const load = (environment: Record<string, string>) => loadSettings({ root: PROJECT_ROOT, environment });
  t.same(
    load({ SECRET_KEY: ` ${newest} , ${older}` }).SECRET_KEY,
    [newest, older],
    'SECRET_KEY is a list, newest key first',
  );
  t.same(load({ TRUST_PROXY: '10.0.0.0/8, ::1,loopback' }).TRUST_PROXY, ['10.0.0.0/8', '::1', 'loopback']);
  for (const TRUST_PROXY of ['10.0.0.0/8', 'fc00::/7', '::ffff:10.0.0.0/104', '2001:db8::/32'])
    t.same(load({ TRUST_PROXY }).TRUST_PROXY, [TRUST_PROXY]);
  t.equal(load({ TRUST_PROXY: 'true' }).TRUST_PROXY, true);
  t.equal(load({ WORKERS: '3' }).WORKERS, 3);
  t.equal(
    load({ WORKERS: 'auto' }).WORKERS,
    availableParallelism(),
    'auto means one worker for each processor',
  );
  const server = { DATABASE_URL: 'mysql://db/rollcall', POOL_SIZE: '1' };
  t.equal(load(server).WORKERS, 1, 'auto does not exceed POOL_SIZE on MySQL');
  t.equal(load({ ...server, DATABASE_URL: 'sqlite:a.db' }).WORKERS, availableParallelism());
  t.equal(load({ AUTO_MIGRATE: 'false' }).AUTO_MIGRATE, false);
});

test('The example files can be loaded', async (t) => {
  const folder = makeFolder(t);

  t.test('The development and test examples load unchanged', async (t) => {
    for (const name of ['development', 'test']) {
      const environment = { APP_CONFIG_FILE: `config/${name}.example.env` };
      t.equal(loadSettings({ root: PROJECT_ROOT, environment }).NODE_ENV, name);
    }
  });

  t.test('The production example only needs the file of the secret key', async (t) => {
    const key = makeSecret();
    const keyFile = join(folder, 'secret.key');
    writeFileSync(keyFile, `${key}\n`);
    const example = readFileSync(join(PROJECT_ROOT, 'config/production.example.env'), 'utf8');
    const APP_CONFIG_FILE = join(folder, 'production.env');
    writeFileSync(APP_CONFIG_FILE, example.replace(/^(SECRET_KEY_FILE=).*$/m, `$1${keyFile}`));
    const settings = loadSettings({ root: PROJECT_ROOT, environment: { APP_CONFIG_FILE } });
    t.match(settings, { NODE_ENV: 'production', SECRET_KEY: [key] });
    t.not(settings.TRUST_PROXY, false, 'the example trusts the proxy that terminates TLS');
  });
});

test('The table of settings in docs/settings.md is complete and correct', async (t) => {
  const rows = readFileSync(join(PROJECT_ROOT, 'docs/settings.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').slice(1, 3).map(literals))
    .filter(([names = []]) => names.length > 0 && names.every((name) => /^[A-Z][A-Z_]+$/.test(name)));
  const documented = rows.flatMap(([names = []]) => names);

  t.test('It lists every setting and no other', async (t) => {
    t.same(documented.toSorted(), settingNames.toSorted());
  });

  for (const [name, schema] of Object.entries(SettingsSchema.properties)) {
    if (!('default' in schema)) continue;
    const [, defaults = []] = rows.find(([names = []]) => names.includes(name)) ?? [];
    t.ok(
      defaults.includes(String(schema.default)),
      `default of ${name}: ${schema.default}, in the table: ${defaults}`,
    );
  }
});

/** @returns the texts between backticks. */
function literals(cell: string): string[] {
  return [...cell.matchAll(/`([^`]*)`/g)].map(([, text = '']) => text);
}
