/**
 * Operators make mistakes in settings, often in a hurry. A message must name the setting, the value, its source and the
 * allowed values in one line, and must never contain a secret.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { loadSettings } from '../../config/load.ts';
import { makeSecret } from '../../config/secret.ts';
import { makeFolder } from '../support/processes.ts';
import { asLines, configFile, faultsOf, type Values } from '../support/settings.ts';

const KEY = makeSecret();

/** What is not the origin of a page (RFC 6454) of the web. */
const NO_ORIGINS = [
  '*',
  'null',
  'app.example.org',
  'https://',
  'https://app.example.org/',
  'https://app.example.org/path',
  'https://app.example.org?query',
  'https://app.example.org#hash',
  'https://ann@app.example.org',
  'https://*.example.org',
  'https://app.example.org:99999',
  'https://[::1',
  'ftp://app.example.org',
  'chrome-extension://abcdefgh',
];

/** Invalid values, the setting that the message must start with, and the parts that it must contain. */
const INVALID: { values: Values; setting: string; contains: string[] }[] = [
  {
    values: { NODE_ENV: 'staging' },
    setting: 'NODE_ENV',
    contains: ['"staging"', 'development, test, production'],
  },
  { values: { HOST: 'two words' }, setting: 'HOST', contains: ['"two words"', 'an address or a host name'] },
  { values: { PORT: 'banana' }, setting: 'PORT', contains: ['"banana"', 'a whole number from 0 to 65535'] },
  { values: { PORT: '65536' }, setting: 'PORT', contains: ['"65536"', '0 to 65535'] },
  { values: { PORT: '-1' }, setting: 'PORT', contains: ['"-1"', '0 to 65535'] },
  { values: { PORT: '80.5' }, setting: 'PORT', contains: ['"80.5"', 'a whole number'] },
  { values: { METRICS_PORT: '65536' }, setting: 'METRICS_PORT', contains: ['"65536"', '0 to 65535'] },
  {
    values: { PORT: '9464', METRICS_PORT: '9464' },
    setting: 'METRICS_PORT',
    contains: ['another port than PORT'],
  },
  { values: { METRICS_HOST: 'a b' }, setting: 'METRICS_HOST', contains: ['an address or a host name'] },
  { values: { WORKERS: '0' }, setting: 'WORKERS', contains: ['"0"', 'auto, or a whole number'] },
  { values: { WORKERS: 'many' }, setting: 'WORKERS', contains: ['"many"', 'auto, or a whole number'] },
  {
    values: { DATABASE_URL: 'postgres://h/d' },
    setting: 'DATABASE_URL',
    contains: ['sqlite:PATH or mysql://'],
  },
  { values: { DATABASE_URL: 'sqlite:' }, setting: 'DATABASE_URL', contains: ['sqlite:PATH'] },
  {
    values: { DATABASE_URL: 'sqlite:x.db?mode=ro' },
    setting: 'DATABASE_URL',
    contains: ['no parameters, and no question mark'],
  },
  { values: { DATABASE_URL: 'sqlite::memory:' }, setting: 'DATABASE_URL', contains: ['sqlite:PATH'] },
  ...['ssl-mode=REQUIRED', 'sslmode=require', 'tls=true', 'ssl=true&SSL=true'].map((parameters) => ({
    values: { DATABASE_URL: `mysql://ann@db/rollcall?${parameters}` },
    setting: 'DATABASE_URL',
    contains: [
      `a parameter ${parameters.split('&').at(-1)?.split('=')[0]}, but there are only these: ssl, socketPath`,
    ],
  })),
  ...['ssl=1', 'ssl=', 'ssl=yes', 'ssl=[]', 'ssl={', 'ssl=Amazon%20RDS'].map((parameter) => ({
    values: { DATABASE_URL: `mysql://ann@db/rollcall?${parameter}` },
    setting: 'DATABASE_URL',
    contains: ['its parameter ssl must be true, false, or a JSON object'],
  })),
  {
    values: { DATABASE_URL: 'mysql://ann@db/rollcall?ssl=true&ssl=false' },
    setting: 'DATABASE_URL',
    contains: ['its parameter ssl is given twice'],
  },
  {
    values: { DATABASE_URL: 'mysql://ann@db/rollcall?socketPath=here' },
    setting: 'DATABASE_URL',
    contains: ["must be the path of the server's socket"],
  },
  ...['a,,b', ',a', 'a,', 'a, b', 'a,b:x', 'ann@a,'].map((servers) => ({
    values: { DATABASE_URL: `mysql://${servers}/rollcall` },
    setting: 'DATABASE_URL',
    contains: ['with commas between several servers'],
  })),
  {
    values: { DATABASE_URL: 'mysql://ann@a,b/rollcall?socketPath=/run/mysqld.sock' },
    setting: 'DATABASE_URL',
    contains: ['socketPath names one server, but there are several'],
  },
  {
    values: { DATABASE_URL: 'mysql://ann@db/rollcall', WORKERS: '3', POOL_SIZE: '2' },
    setting: 'WORKERS',
    contains: ['is 3', 'share POOL_SIZE connections, which is 2'],
  },
  {
    values: { SECRET_KEY: 'short' },
    setting: 'SECRET_KEY',
    contains: ['32 characters', 'npm run -s manage -- secret'],
  },
  { values: { SECRET_KEY: 'a'.repeat(40) }, setting: 'SECRET_KEY', contains: ['easy to guess'] },
  {
    values: { SECRET_KEY: 'please-change-me-before-you-go-live-1234' },
    setting: 'SECRET_KEY',
    contains: ['easy to guess'],
  },
  { values: { SECRET_KEY: `${KEY},short` }, setting: 'SECRET_KEY', contains: ['one key is too short'] },
  { values: { SECRET_KEY: `${KEY},` }, setting: 'SECRET_KEY', contains: ['one key is too short'] },
  { values: { LOG_LEVEL: 'loud' }, setting: 'LOG_LEVEL', contains: ['"loud"', 'fatal, error, warn, info'] },
  {
    values: { TRUST_PROXY: 'my proxy!' },
    setting: 'TRUST_PROXY',
    contains: ['"my proxy!"', 'networks of the proxies'],
  },
  { values: { TRUST_PROXY: '10.0.0.0/33' }, setting: 'TRUST_PROXY', contains: ['"10.0.0.0/33"'] },
  { values: { TRUST_PROXY: '10.0.0.0/0' }, setting: 'TRUST_PROXY', contains: ['"10.0.0.0/0"'] },
  { values: { TRUST_PROXY: '::/00' }, setting: 'TRUST_PROXY', contains: ['"::/00"'] },
  // These believe nearly everybody, as true does.
  ...['::ffff:0:0/96', '0.0.0.0/1,128.0.0.0/1', '::ffff:10.0.0.0/103', '2000::/3'].map((TRUST_PROXY) => ({
    values: { TRUST_PROXY },
    setting: 'TRUST_PROXY',
    contains: [JSON.stringify(TRUST_PROXY), 'at most a /8'],
  })),
  { values: { TRUST_PROXY: '127.0.0.1,300.1.1.1' }, setting: 'TRUST_PROXY', contains: ['300.1.1.1'] },
  // Not a number of proxies, and not the short forms of an address that a library would take it for.
  { values: { TRUST_PROXY: '1' }, setting: 'TRUST_PROXY', contains: ['"1"'] },
  { values: { TRUST_PROXY: '10.1' }, setting: 'TRUST_PROXY', contains: ['"10.1"'] },
  { values: { TRUST_PROXY: 'yes' }, setting: 'TRUST_PROXY', contains: ['"yes"', 'false, true, or'] },
  { values: { SESSION_IDLE: '9' }, setting: 'SESSION_IDLE', contains: ['"9"', 'from 10 to 31622400'] },
  { values: { SESSION_LIFETIME: '2h' }, setting: 'SESSION_LIFETIME', contains: ['"2h"', 'a whole number'] },
  { values: { REMEMBER_LIFETIME: '1' }, setting: 'REMEMBER_LIFETIME', contains: ['"1"', 'from 10'] },
  {
    values: { AUTH_HACK_USER: 'ann lee' },
    setting: 'AUTH_HACK_USER',
    contains: ['"ann lee"', 'the name of a user'],
  },
  { values: { AUTO_MIGRATE: 'yes' }, setting: 'AUTO_MIGRATE', contains: ['"yes"', 'true or false'] },
  {
    values: { NODE_ENV: 'production', SECRET_KEY: 'short' },
    setting: 'SECRET_KEY',
    contains: ['32 characters'],
  },
  {
    values: { SESSION_IDLE: '3600', SESSION_LIFETIME: '1800' },
    setting: 'SESSION_IDLE',
    contains: ['3600', 'SESSION_LIFETIME', '1800'],
  },
  ...[
    { NODE_ENV: 'production', SECRET_KEY: KEY },
    { NODE_ENV: 'test', HOST: '192.0.2.1' },
    // Nobody has asked for development by name.
    {},
  ].map((values) => ({
    values: { ...values, AUTH_HACK_USER: 'ann' },
    setting: 'AUTH_HACK_USER',
    contains: ['"ann"', 'only with NODE_ENV=development or NODE_ENV=test and a loopback address'],
  })),
  ...['0.0.0.0', '::', '192.0.2.1', 'accounts.example.org', '::ffff:192.0.2.1', '128.0.0.1'].map((HOST) => ({
    values: { HOST },
    setting: 'HOST',
    contains: [`"${HOST}"`, 'NODE_ENV is not given', 'Set NODE_ENV to production'],
  })),
  {
    values: { NODE_ENV: 'production', SECRET_KEY: KEY, TRUST_PROXY: 'true' },
    setting: 'TRUST_PROXY',
    contains: ['"true"', 'Write the addresses or networks of the proxies, such as 127.0.0.1'],
  },
  {
    values: { NODE_ENV: 'production', SECRET_KEY: KEY, LOG_LEVEL: 'trace' },
    setting: 'LOG_LEVEL',
    contains: ['"trace"', 'debug at the lowest'],
  },
  ...[...NO_ORIGINS, 'https://a.example.org,https://b.example.org'].map((PUBLIC_URL) => ({
    values: { PUBLIC_URL },
    setting: 'PUBLIC_URL',
    contains: [`"${PUBLIC_URL}"`, 'an origin such as https://', 'without a path'],
  })),
  ...NO_ORIGINS.flatMap((origin) => [origin, `https://app.example.org,${origin}`]).map((ORIGINS) => ({
    values: { ORIGINS },
    setting: 'ORIGINS',
    contains: [`"${ORIGINS}"`, 'separated by commas'],
  })),
  ...(['PUBLIC_URL', 'ORIGINS'] as const).map((setting) => ({
    values: { NODE_ENV: 'production', SECRET_KEY: KEY, [setting]: 'http://app.example.org' },
    setting,
    contains: ['"http://app.example.org"', 'https in production'],
  })),
];

test('An invalid setting is reported in one line with its name, value, source and rule', async (t) => {
  const folder = makeFolder(t);
  for (const { values, setting, contains } of INVALID) {
    const file = configFile(folder, asLines(values));
    const sources = [
      { where: 'given in the environment', lines: faultsOf(folder, values) },
      { where: `given in ${file.path}`, lines: faultsOf(folder, file.environment) },
      { where: 'given on the command line', lines: faultsOf(folder, {}, values) },
    ];
    t.test(`The invalid setting ${asLines(values).join(' ')} is reported`, async (t) => {
      for (const { where, lines } of sources) {
        t.equal(lines.length, 1, `there is one line for a value ${where}`);
        const [line = ''] = lines;
        t.ok(line.startsWith(`${setting} is `), `"${line}" starts with the setting`);
        for (const part of [...contains, where]) t.ok(line.includes(part), `"${line}" contains "${part}"`);
      }
    });
  }
});

test('Production requires a configured SECRET_KEY', async (t) => {
  const [line = '', ...others] = faultsOf(makeFolder(t), { NODE_ENV: 'production' });
  t.match(line, /^SECRET_KEY is missing.*npm run -s manage -- secret.*SECRET_KEY_FILE/);
  t.same(others, []);
});

test('No message contains a secret', async (t) => {
  const folder = makeFolder(t);
  const secret = 'Tr0ub4dor';
  writeFileSync(join(folder, 'key'), secret);
  const wrong: Values[] = [
    { SECRET_KEY: secret },
    { SECRET_KEY: `${KEY},${secret}` },
    { SECRET_KEY: secret.padEnd(40, 'a'), NODE_ENV: 'production' },
    { SECRET_KEY_FILE: 'key' },
    { SECRET_KEY: secret, SECRET_KEY_FILE: 'key' },
    { DATABASE_URL: `mysq://ann:${secret}@db/rollcall` },
    { DATABASE_URL: `mysq://ann:${secret}@db/rollcall`, PORT: 'x' },
    { DATABASE_URL: `mysql://ann:${secret}@db/rollcall?sslmode=require` },
    { DATABASE_URL: `mysql://ann:${secret}@db,other,/rollcall` },
    { DATABASE_URL: `mysql://ann:${secret}@db/rollcall?ssl=1` },
    { DATABASE_URL: `mysql://ann:12/x?${secret}@db/rollcall` },
    { DATABASE_URL: `mysql://ann:12/x?y=1&${secret}@db/rollcall` },
    { DATABASE_URL: `mysql://ann:12/x?${secret}!@db/rollcall` },
  ];
  for (const values of wrong) {
    for (const lines of [
      faultsOf(folder, values),
      faultsOf(folder, configFile(folder, asLines(values)).environment),
    ]) {
      t.not(lines.length, 0, 'the values are refused');
      t.notOk(lines.join('\n').includes(secret), lines.join('\n'));
    }
  }
  const { environment } = configFile(folder, [`SECRETKEY=${secret}`, `SECRET_KEY ${secret}`]);
  t.notOk(
    faultsOf(folder, environment).join('\n').includes(secret),
    'messages about malformed or unknown lines do not contain their values',
  );
});

test('Origins are kept in the form in which browsers send them', async (t) => {
  const load = (environment: Values) => loadSettings({ root: makeFolder(t), environment });
  const { ORIGINS, PUBLIC_URL } = load({
    ORIGINS: 'https://App.Example.org:443, http://localhost:5173 ,https://bücher.example,http://[0:0::1]:80',
    PUBLIC_URL: 'HTTPS://Accounts.Example.org:8443',
  });
  t.strictSame(ORIGINS, [
    'https://app.example.org',
    'http://localhost:5173',
    'https://xn--bcher-kva.example',
    'http://[::1]',
  ]);
  t.equal(PUBLIC_URL, 'https://accounts.example.org:8443');
  t.match(load({}), { ORIGINS: [], PUBLIC_URL: undefined });
});
