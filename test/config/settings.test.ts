/**
 * Settings are what an operator gets wrong first, and at the worst time. Each class of mistake must be told in a line
 * that says which setting, what was given and where, and what is allowed, and must never show a secret.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { loadSettings, SettingsError } from '../../config/load.ts';
import { makeSecret } from '../../config/secret.ts';
import { makeFolder } from '../support/processes.ts';

type Given = Record<string, string>;

const KEY = makeSecret();

/** @returns the lines that refuse the settings; none when they are accepted. */
function refusal(root: string, environment: Given, flags: Given = {}): string[] {
  try {
    loadSettings({ root, environment, flags });
    return [];
  } catch (error) {
    if (error instanceof SettingsError) return error.message.split('\n');
    throw error;
  }
}

/** @returns the path of a new file with those lines, and an environment that names it as the configuration file. */
function configFile(folder: string, lines: string[]) {
  const path = join(folder, 'given.env');
  writeFileSync(path, `${lines.join('\n')}\n`);
  return { path, environment: { APP_CONFIG_FILE: path } };
}

const asLines = (given: Given) => Object.entries(given).map(([name, value]) => `${name}=${value}`);

/** What is wrong, the setting that the line must begin with, and what else it must say. */
const WRONG: { given: Given; names: string; says: string[] }[] = [
  { given: { NODE_ENV: 'staging' }, names: 'NODE_ENV', says: ['"staging"', 'development, test, production'] },
  { given: { HOST: 'two words' }, names: 'HOST', says: ['"two words"', 'an address or a host name'] },
  { given: { PORT: 'banana' }, names: 'PORT', says: ['"banana"', 'a whole number from 0 to 65535'] },
  { given: { PORT: '65536' }, names: 'PORT', says: ['"65536"', '0 to 65535'] },
  { given: { PORT: '-1' }, names: 'PORT', says: ['"-1"', '0 to 65535'] },
  { given: { PORT: '80.5' }, names: 'PORT', says: ['"80.5"', 'a whole number'] },
  { given: { WORKERS: '0' }, names: 'WORKERS', says: ['"0"', 'auto, or a whole number'] },
  { given: { WORKERS: 'many' }, names: 'WORKERS', says: ['"many"', 'auto, or a whole number'] },
  { given: { DATABASE_URL: 'postgres://h/d' }, names: 'DATABASE_URL', says: ['sqlite:PATH or mysql://'] },
  { given: { DATABASE_URL: 'sqlite:' }, names: 'DATABASE_URL', says: ['sqlite:PATH'] },
  { given: { DATABASE_URL: 'sqlite::memory:' }, names: 'DATABASE_URL', says: ['sqlite:PATH'] },
  ...['ssl-mode=REQUIRED', 'sslmode=require', 'tls=true', 'ssl=true&SSL=true'].map((parameters) => ({
    given: { DATABASE_URL: `mysql://ann@db/rollcall?${parameters}` },
    names: 'DATABASE_URL',
    says: [
      `a parameter ${parameters.split('&').at(-1)?.split('=')[0]}, but there are only these: ssl, socketPath`,
    ],
  })),
  ...['ssl=1', 'ssl=', 'ssl=yes', 'ssl=[]', 'ssl={', 'ssl=Amazon%20RDS'].map((parameter) => ({
    given: { DATABASE_URL: `mysql://ann@db/rollcall?${parameter}` },
    names: 'DATABASE_URL',
    says: ['its parameter ssl must be true, false, or a JSON object'],
  })),
  {
    given: { DATABASE_URL: 'mysql://ann@db/rollcall?ssl=true&ssl=false' },
    names: 'DATABASE_URL',
    says: ['its parameter ssl is given twice'],
  },
  {
    given: { DATABASE_URL: 'mysql://ann@db/rollcall?socketPath=here' },
    names: 'DATABASE_URL',
    says: ["must be the path of the server's socket"],
  },
  {
    given: { DATABASE_URL: 'mysql://ann@db/rollcall', WORKERS: '3', POOL_SIZE: '2' },
    names: 'WORKERS',
    says: ['is 3', 'share POOL_SIZE connections, which is 2'],
  },
  {
    given: { SECRET_KEY: 'short' },
    names: 'SECRET_KEY',
    says: ['32 characters', 'npm run manage -- secret'],
  },
  { given: { SECRET_KEY: 'a'.repeat(40) }, names: 'SECRET_KEY', says: ['easy to guess'] },
  {
    given: { SECRET_KEY: 'please-change-me-before-you-go-live-1234' },
    names: 'SECRET_KEY',
    says: ['easy to guess'],
  },
  { given: { SECRET_KEY: `${KEY},short` }, names: 'SECRET_KEY', says: ['one key is too short'] },
  { given: { SECRET_KEY: `${KEY},` }, names: 'SECRET_KEY', says: ['one key is too short'] },
  { given: { LOG_LEVEL: 'loud' }, names: 'LOG_LEVEL', says: ['"loud"', 'fatal, error, warn, info'] },
  {
    given: { TRUST_PROXY: 'my proxy!' },
    names: 'TRUST_PROXY',
    says: ['"my proxy!"', 'networks of the proxies'],
  },
  { given: { TRUST_PROXY: '10.0.0.0/33' }, names: 'TRUST_PROXY', says: ['"10.0.0.0/33"'] },
  { given: { TRUST_PROXY: '127.0.0.1,300.1.1.1' }, names: 'TRUST_PROXY', says: ['300.1.1.1'] },
  { given: { TRUST_PROXY: 'yes' }, names: 'TRUST_PROXY', says: ['"yes"', 'false, true, or'] },
  { given: { SESSION_IDLE: '9' }, names: 'SESSION_IDLE', says: ['"9"', 'from 10 to 31622400'] },
  { given: { SESSION_LIFETIME: '2h' }, names: 'SESSION_LIFETIME', says: ['"2h"', 'a whole number'] },
  { given: { REMEMBER_LIFETIME: '1' }, names: 'REMEMBER_LIFETIME', says: ['"1"', 'from 10'] },
  {
    given: { AUTH_HACK_USER: 'ann lee' },
    names: 'AUTH_HACK_USER',
    says: ['"ann lee"', 'the name of a user'],
  },
  { given: { AUTO_MIGRATE: 'yes' }, names: 'AUTO_MIGRATE', says: ['"yes"', 'true or false'] },
  {
    given: { NODE_ENV: 'production', SECRET_KEY: 'short' },
    names: 'SECRET_KEY',
    says: ['32 characters'],
  },
  {
    given: { SESSION_IDLE: '3600', SESSION_LIFETIME: '1800' },
    names: 'SESSION_IDLE',
    says: ['3600', 'SESSION_LIFETIME', '1800'],
  },
  {
    given: { NODE_ENV: 'production', SECRET_KEY: KEY, AUTH_HACK_USER: 'ann' },
    names: 'AUTH_HACK_USER',
    says: ['never be given in production'],
  },
];

test('a wrong setting is refused in one line that helps', async (t) => {
  const folder = makeFolder(t);
  for (const { given, names, says } of WRONG) {
    const file = configFile(folder, asLines(given));
    const places = [
      { where: 'given in the environment', lines: refusal(folder, given) },
      { where: `given in ${file.path}`, lines: refusal(folder, file.environment) },
      { where: 'given on the command line', lines: refusal(folder, {}, given) },
    ];
    t.test(asLines(given).join(' '), async (t) => {
      for (const { where, lines } of places) {
        t.equal(lines.length, 1, `one line when ${where}`);
        const [line = ''] = lines;
        t.ok(line.startsWith(`${names} is `), `"${line}" begins with the setting`);
        for (const part of [...says, where]) t.ok(line.includes(part), `"${line}" says "${part}"`);
      }
    });
  }
});

test('production needs a key that was given', async (t) => {
  const [line = '', ...others] = refusal(makeFolder(t), { NODE_ENV: 'production' });
  t.match(line, /^SECRET_KEY is missing.*npm run manage -- secret.*SECRET_KEY_FILE/);
  t.same(others, []);
});

test('the file', async (t) => {
  const folder = makeFolder(t);

  t.test('a name in it that is no setting is refused, with the names that there are', async (t) => {
    const { path, environment } = configFile(folder, ['PORTT=5000']);
    const lines = refusal(folder, environment);
    t.equal(lines.length, 1);
    t.match(lines[0], `PORTT (given in ${path}) is not a setting`);
    t.match(lines[0], /NODE_ENV, HOST, PORT, WORKERS/);
  });

  t.test('a line that is neither is refused by its number', async (t) => {
    const lines = ['# fine', '', 'export PORT=1', 'PORT 5000', '  # also fine'];
    const { path, environment } = configFile(folder, lines);
    t.match(refusal(folder, environment), [new RegExp(`^Line 4 of ${path} is not of the form NAME=value`)]);
    t.equal(refusal(folder, environment).length, 1);
  });

  t.test('a file that is not there is refused with the path that was tried', async (t) => {
    const lines = refusal(folder, { APP_CONFIG_FILE: 'config/nowhere.env' });
    t.equal(lines.length, 1);
    t.match(lines[0], `APP_CONFIG_FILE names ${join(folder, 'config/nowhere.env')}`);
    t.match(lines[0], 'there is no such file');
  });

  t.test('a folder is no file', async (t) => {
    mkdirSync(join(folder, 'folder'));
    const lines = refusal(folder, { APP_CONFIG_FILE: 'folder' });
    t.equal(lines.length, 1);
    t.match(lines[0], 'it is a folder');
  });
});

test("a secret's file", async (t) => {
  const folder = makeFolder(t);
  writeFileSync(join(folder, 'key'), `${KEY}\n`);

  t.test('is read, relative to the project, without the newline at its end', async (t) => {
    const settings = loadSettings({ root: folder, environment: { SECRET_KEY_FILE: 'key' } });
    t.same(settings.SECRET_KEY, [KEY]);
  });

  t.test('that is missing is refused', async (t) => {
    const lines = refusal(folder, { SECRET_KEY_FILE: 'nowhere' });
    t.match(lines, [/^SECRET_KEY_FILE \(given in the environment\) names .*nowhere.*there is no such file/]);
    t.equal(lines.length, 1);
  });

  t.test('that is empty is refused', async (t) => {
    writeFileSync(join(folder, 'empty'), '\n');
    t.match(refusal(folder, { SECRET_KEY_FILE: 'empty' }), [
      /^SECRET_KEY is .*empty, named by SECRET_KEY_FILE/,
    ]);
  });

  t.test('can not be given together with the secret', async (t) => {
    const lines = refusal(folder, { SECRET_KEY: KEY, SECRET_KEY_FILE: 'key' });
    t.match(lines, [/^SECRET_KEY and SECRET_KEY_FILE are both given in the environment/]);
    t.equal(lines.length, 1);
  });

  t.test('in the environment beats a secret in the file', async (t) => {
    const { environment } = configFile(folder, [`SECRET_KEY=${makeSecret()}`]);
    const settings = loadSettings({ root: folder, environment: { ...environment, SECRET_KEY_FILE: 'key' } });
    t.same(settings.SECRET_KEY, [KEY]);
  });
});

test('several mistakes are told at once, one line each', async (t) => {
  const folder = makeFolder(t);
  const told = (t: Test, given: Given, names: string[]) => {
    const lines = refusal(folder, given);
    t.same(lines.map((line) => /\w+/.exec(line)?.[0]).sort(), names.sort(), lines.join('\n'));
  };

  t.test('values that are not allowed', async (t) =>
    told(t, { PORT: 'x', LOG_LEVEL: 'loud', HOST: 'a b' }, ['PORT', 'LOG_LEVEL', 'HOST']),
  );

  t.test('settings that do not go together', async (t) =>
    told(t, { NODE_ENV: 'production', SESSION_IDLE: '100', SESSION_LIFETIME: '50', AUTH_HACK_USER: 'ann' }, [
      'SECRET_KEY',
      'SESSION_IDLE',
      'AUTH_HACK_USER',
    ]),
  );

  t.test('an unknown name beside a value that is not allowed', async (t) => {
    const { environment } = configFile(folder, ['PORTT=1', 'LOG_LEVEL=loud']);
    told(t, environment, ['PORTT', 'LOG_LEVEL']);
  });

  t.test('a value that is not allowed beside a missing secret', async (t) =>
    told(t, { NODE_ENV: 'production', PORT: 'x' }, ['PORT', 'SECRET_KEY']),
  );
});

test('no message shows a secret', async (t) => {
  const folder = makeFolder(t);
  const secret = 'Tr0ub4dor';
  writeFileSync(join(folder, 'key'), secret);
  const wrong: Given[] = [
    { SECRET_KEY: secret },
    { SECRET_KEY: `${KEY},${secret}` },
    { SECRET_KEY: secret.padEnd(40, 'a'), NODE_ENV: 'production' },
    { SECRET_KEY_FILE: 'key' },
    { SECRET_KEY: secret, SECRET_KEY_FILE: 'key' },
    { DATABASE_URL: `mysq://ann:${secret}@db/rollcall` },
    { DATABASE_URL: `mysq://ann:${secret}@db/rollcall`, PORT: 'x' },
    { DATABASE_URL: `mysql://ann:${secret}@db/rollcall?sslmode=require` },
    { DATABASE_URL: `mysql://ann:${secret}@db/rollcall?ssl=1` },
    { DATABASE_URL: `mysql://ann:12/x?${secret}@db/rollcall` },
    { DATABASE_URL: `mysql://ann:12/x?y=1&${secret}@db/rollcall` },
    { DATABASE_URL: `mysql://ann:12/x?${secret}!@db/rollcall` },
  ];
  for (const given of wrong) {
    for (const lines of [
      refusal(folder, given),
      refusal(folder, configFile(folder, asLines(given)).environment),
    ]) {
      t.not(lines.length, 0, 'it is refused');
      t.notOk(lines.join('\n').includes(secret), lines.join('\n'));
    }
  }
  const { environment } = configFile(folder, [`SECRETKEY=${secret}`, `SECRET_KEY ${secret}`]);
  t.notOk(
    refusal(folder, environment).join('\n').includes(secret),
    'nor of a line that is malformed or unknown',
  );
});
