/**
 * Which passwords users may have: each rule in each place where a password is set, by the API and by commands. Passwords that were
 * set before go on.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { readCommonPasswords } from '../../accounts/passwords/common.ts';
import { makeHashing } from '../../accounts/passwords/hashing.ts';
import { keyOf, makeSecret } from '../../accounts/secrets.ts';
import { loadSettings } from '../../config/load.ts';
import { makeId } from '../../db/ids.ts';
import { foldCase } from '../../db/text.ts';
import { breachedFile } from '../support/breached.ts';
import { stopTheClock } from '../support/clock.ts';
import { commandsOn, fails } from '../support/commands.ts';
import { onEachEngine, type TestEngine } from '../support/engines.ts';
import { makeFolder, PROJECT, type Result } from '../support/processes.ts';
import { Client, makeUser, PASSWORD, quickHashing, signedIn, startService } from '../support/service.ts';

type Reason = readonly [code: string, detail: string];

const SHORT = ['too-short', 'must be at least 12 characters long'] as const;
const COMMON = ['common', 'must not be a common password, or one that this service refuses'] as const;
const USERNAME = ['contains-name', 'must not contain the username'] as const;
const ADDRESS = ['contains-name', 'must not contain the e-mail address up to the @'] as const;
const SERVICE = ['contains-name', 'must not contain the name of this service'] as const;
const BREACHED = ['breached', 'must not be one that is known from breaches'] as const;

/** Of the user Annette with the address a.moss@example.org. */
const PASSWORDS: { of: string; password: string; refused?: Reason[] }[] = [
  { of: 'one character too few', password: 'eleven char', refused: [SHORT] },
  { of: 'too few characters outside the basic plane', password: '🦊'.repeat(11), refused: [SHORT] },
  { of: 'enough characters', password: 'twelve chars' },
  { of: 'enough characters outside the basic plane', password: '🦊'.repeat(12) },
  { of: 'spaces alone', password: ' '.repeat(12) },
  { of: 'spaces at both ends, which count', password: '  eight 8.  ' },
  { of: 'one letter again and again, without digits or capitals', password: 'z'.repeat(64) },
  { of: '128 characters', password: 'long '.repeat(25).concat('end') },
  { of: 'a common password', password: '1q2w3e4r5t6y', refused: [COMMON] },
  { of: 'a common password in other case', password: 'CHRISTOPHER1', refused: [COMMON] },
  { of: 'a common password in full-width letters', password: 'ｃｈｒｉｓｔｏｐｈｅｒ１', refused: [COMMON] },
  { of: 'a common password that is also too short', password: 'iloveyou', refused: [SHORT, COMMON] },
  { of: 'a common password and a space', password: '1q2w3e4r5t6y ' },
  { of: 'a password of the blocklist', password: 'Quarterly figures', refused: [COMMON] },
  { of: 'a password of the blocklist with spaces at its ends', password: '  Acme 2026! ', refused: [COMMON] },
  { of: 'the same without the spaces', password: 'of Acme 2026!' },
  { of: 'the username within', password: 'xx-aNNettE-26xx', refused: [USERNAME] },
  { of: 'the username in full-width letters', password: 'my ＡＮＮＥＴＴＥ key', refused: [USERNAME] },
  { of: 'the address up to the @', password: 'I am A.Moss, hi', refused: [ADDRESS] },
  { of: 'a part of it only', password: 'moss on stones' },
  { of: 'the domain of the address', password: 'not example.org' },
  { of: 'the name of the service', password: 'My RollCall pass', refused: [SERVICE] },
  { of: 'a breached password', password: 'breached battery', refused: [BREACHED] },
  { of: 'a breached password in other case', password: 'Breached battery' },
  {
    of: 'all at once',
    password: 'annette@rollcall a.moss',
    refused: [COMMON, USERNAME, ADDRESS, SERVICE, BREACHED],
  },
];

/** @returns the settings of passwords, and the environment that gives them to commands. */
function passwordSettings(t: Test) {
  const blocklist = join(makeFolder(t), 'blocklist.txt');
  // As an editor on Windows leaves it.
  const lines = ['', 'quarterly FIGURES', '', '  Acme 2026! ', 'annette@rollcall a.moss'];
  writeFileSync(blocklist, `\uFEFF${lines.join('\r\n')}`);
  const environment = {
    PASSWORD_MIN_LENGTH: '12',
    PASSWORD_BLOCKLIST: blocklist,
    BREACHED_PASSWORDS_FILE: breachedFile(t, ['breached battery', 'annette@rollcall a.moss', PASSWORD]),
  };
  const loaded = loadSettings({
    root: import.meta.dirname,
    environment: { ...environment, SIGN_UP: 'open' },
  });
  const { SIGN_UP, PASSWORD_MIN_LENGTH, PASSWORD_BLOCKLIST } = loaded;
  const { BREACHED_PASSWORDS_FILE } = environment;
  const settings = { SIGN_UP, PASSWORD_MIN_LENGTH, PASSWORD_BLOCKLIST, BREACHED_PASSWORDS_FILE };
  return { environment, settings };
}

const EMAIL = 'a.moss@example.org';
const PENDING = 'kingfisher@example.org';
/** Each request comes from another address, since some are bounded by network. */
let count = 0;

/** @returns the ways to set a password of Annette; each gives what is wrong with it, line by line. */
async function startPlaces(t: Test, engine: TestEngine) {
  const { environment, settings } = passwordSettings(t);
  const { app, settings: all } = await startService(t, engine, { settings, hashing: quickHashing });
  const runCommand = commandsOn(all.DATABASE_URL, environment);
  await makeUser(app, 'chief', { admin: true });
  const chief = await signedIn(app, 'chief');

  const addAnnette = async () => {
    const id = makeId();
    const passwordHash = await quickHashing.hash(PASSWORD);
    const user = { id, username: 'Annette', name: '', email: EMAIL, pendingEmail: PENDING, active: true };
    await app.db.atomically([app.db.users.add({ ...user, passwordHash }, Date.now())]);
    return id;
  };
  const post = (url: string, payload: object) =>
    app.inject({ method: 'POST', url, payload, remoteAddress: `10.0.${++count >> 8}.${count & 255}` });
  const answered = ({ statusCode, payload }: { statusCode: number; payload: string }): string[] => {
    if (statusCode < 300) return [];
    const { type, status, errors } = JSON.parse(payload);
    t.match({ type, status }, { type: 'urn:rollcall:problem:invalid', status: 400 }, payload);
    return errors.map(({ in: part, pointer, code, detail }: Record<string, string>) =>
      [part, pointer, code, detail].join(' '),
    );
  };
  const printed = (result: Result): string[] => {
    if (result.code === 0) return [];
    fails(t, result, /^manage: The password /);
    return result.stderr.split('\n').slice(0, -1);
  };

  const byApi: Record<string, (password: string) => Promise<string[]>> = {
    'signing up': async (password) =>
      answered(await post('/api/sign/up', { username: 'Annette', email: EMAIL, password })),
    'making a user': async (password) =>
      answered(await chief.request('POST', '/api/users', { username: 'Annette', email: EMAIL, password })),
    "changing one's own": async (password) => {
      const id = await addAnnette();
      const change = { current: PASSWORD, password };
      const annette = await signedIn(app, 'Annette');
      return answered(await annette.request('PUT', `/api/users/${id}/password`, change));
    },
    'setting it with a code': async (password) => {
      const userId = await addAnnette();
      const code = makeSecret('rcc_');
      const row = { key: keyOf(code), userId, issuerId: null, issuerTokenId: null };
      const now = Date.now();
      await app.db.atomically(app.db.codes.issue({ ...row, expiresAt: now + 60_000 }, now));
      return answered(await post('/api/sign/reset', { code, password }));
    },
  };
  const byCommand: typeof byApi = {
    'user create': async (password) =>
      printed(
        await runCommand(['user', 'create', 'Annette', '--email', EMAIL, '--password-stdin'], password),
      ),
    'user password': async (password) => {
      await addAnnette();
      return printed(await runCommand(['user', 'password', 'Annette', '--password-stdin'], password));
    },
  };
  /** @returns the hash of Annette's password, undefined when there is no such user, who is removed. */
  const takeHash = async () => {
    const found = await app.db.users.findCredentials('Annette');
    const row = found && (await app.db.users.find(found.id));
    if (row) await app.db.atomically([app.db.users.remove(row)]);
    return found?.passwordHash;
  };
  return { app, chief, settings, runCommand, byApi, byCommand, takeHash };
}

onEachEngine(
  'Wherever a password is set, the same ones are refused for the same reasons',
  async (t, engine) => {
    const { byApi, byCommand, takeHash } = await startPlaces(t, engine);
    const real = await makeHashing();
    const old = await quickHashing.hash(PASSWORD);
    t.teardown(() => real.end());
    const kinds = [
      {
        places: byApi,
        hashing: quickHashing,
        say: ([code, detail]: Reason) => `body /password ${code} ${detail}`,
      },
      { places: byCommand, hashing: real, say: ([, detail]: Reason) => `manage: The password ${detail}.` },
    ];
    for (const { places, hashing, say } of kinds) {
      for (const [name, setPassword] of Object.entries(places)) {
        await t.test(`${name} refuses what the table says`, async (t) => {
          for (const { of, password, refused = [] } of PASSWORDS) {
            t.strictSame(await setPassword(password), refused.map(say), of);
            const hash = await takeHash();
            const isSet = hash !== old && (await hashing.verify(hash, password));
            t.equal(isSet, refused.length === 0, `${of}: whether it is set`);
          }
        });
      }
    }
  },
);

onEachEngine('An address that waits to be confirmed may not be in a password either', async (t, engine) => {
  const { byApi, byCommand, takeHash } = await startPlaces(t, engine);
  const places = { ...byApi, ...byCommand };
  for (const name of ["changing one's own", 'setting it with a code', 'user password']) {
    const [reason = '', ...others] = (await places[name]?.('a Kingfisher dives')) ?? [];
    t.match(reason, ADDRESS[1], name);
    t.strictSame(others, []);
    await takeHash();
  }
});

onEachEngine('Names of less than four characters may be in a password', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  const chief = await signedIn(app, 'chief');
  const make = async (username: string, email: string) => {
    const password = 'anna and bobo together';
    return (await chief.request('POST', '/api/users', { username, email, password })).statusCode;
  };
  t.equal(await make('ann', 'bob@example.org'), 201);
  t.equal(await make('anna', 'rob@example.org'), 400);
  t.equal(await make('rob', 'bobo@example.org'), 400);
});

onEachEngine('A weak new password is no attempt at the current one', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  const id = await makeUser(app, 'annette');
  const annette = await signedIn(app, 'annette');
  const change = async (password: string) =>
    (await annette.request('PUT', `/api/users/${id}/password`, { current: PASSWORD, password })).statusCode;
  for (let time = 0; time < 12; time++) t.equal(await change('password123'), 400);
  t.equal(await change('battery staple'), 204);
});

onEachEngine('Who may not set a password is told so first', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  const bob = await makeUser(app, 'bob');
  await makeUser(app, 'annette');
  await makeUser(app, 'chief', { admin: true });
  const [annette, chief] = [await signedIn(app, 'annette'), await signedIn(app, 'chief')];
  const nobody = new Client(app);
  const weak = { username: 'new', password: 'password123' };
  const change = { current: PASSWORD, password: 'password123' };
  const reset = { code: makeSecret('rcc_'), password: 'password123' };

  t.match((await nobody.request('POST', '/api/users', weak)).json().type, 'unauthenticated');
  t.match((await annette.request('POST', '/api/users', weak)).json().type, 'missing-permission');
  t.match((await annette.request('PUT', `/api/users/${bob}/password`, change)).json().type, 'own-password');
  t.match((await nobody.request('POST', '/api/sign/reset', reset)).json().type, 'invalid-code');
  stopTheClock(t)(15 * 60);
  t.match((await chief.request('POST', '/api/users', weak)).json().type, 'confirm');
});

onEachEngine('While breached passwords can not be looked up, none is set', async (t, engine) => {
  const { app, chief, settings, runCommand, takeHash } = await startPlaces(t, engine);
  const { BREACHED_PASSWORDS_FILE: path = '' } = settings;
  const password = 'quite a good password';
  const make = () => chief.request('POST', '/api/users', { username: 'Annette', password });
  const content = readFileSync(path);

  for (const [what, spoil] of [
    ['removed', () => rmSync(path)],
    ['emptied', () => writeFileSync(path, '')],
    ['overwritten', () => writeFileSync(path, 'x'.repeat(10_000))],
  ] as const) {
    spoil();
    const answer = await make();
    t.match(answer.json(), { status: 503, type: 'urn:rollcall:problem:password-check-unavailable' }, what);
    t.match(answer.headers['retry-after'], /^[1-9]/);
    t.notMatch(answer.payload, path, 'the path is not for clients');
    const command = await runCommand(['user', 'create', 'Annette', '--password-stdin'], password);
    fails(t, command, /BREACHED_PASSWORDS_FILE/);
    t.equal(await takeHash(), undefined, `${what}: no user is made`);
    t.equal((await new Client(app).signIn('chief')).statusCode, 200, 'signing in goes on');
  }
  writeFileSync(path, content);
  t.equal((await make()).statusCode, 201, 'the file that takes its place is used at once');
});

test('The list of common passwords has more than ten thousand, as they are compared', async (t) => {
  const common = await readCommonPasswords();
  const text = readFileSync(join(PROJECT, 'accounts/passwords/common-passwords.txt'), 'utf8');
  t.ok(common.size >= 10_000);
  t.match(text.split('\n\n')[0], `${common.size} of eight characters and more`, 'the file says how many');
  for (const password of ['password', 'password1', 'qwertyuiop', '12345678', 'iloveyou', 'trustno1'])
    t.ok(common.has(password), password);
  const odd = [...common].filter((each) => each.length < 8 || foldCase(each) !== each);
  t.strictSame(odd, [], 'none could never be found');
});
