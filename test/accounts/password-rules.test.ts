/**
 * Which passwords users may have: each rule in each place where a password is set, by the API and by commands. Passwords that were
 * set before go on.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { makeHashing } from '../../accounts/passwords/hashing.ts';
import { makeSecret } from '../../accounts/secrets.ts';
import { stopTheClock } from '../support/clock.ts';
import { fails } from '../support/commands.ts';
import { onEachEngine } from '../support/engines.ts';
import { startPasswordPlaces } from '../support/password-places.ts';
import { Client, makeUser, PASSWORD, quickHashing, signedIn, startService } from '../support/service.ts';

type Reason = readonly [code: string, detail: string];

const SHORT = ['too-short', 'must be at least 12 characters long'] as const;
const COMMON = ['common', 'must not be a common password, or one that this service refuses'] as const;
const USERNAME = ['contains-name', 'must not contain the username'] as const;
const ADDRESS = ['contains-name', 'must not contain the e-mail address up to the @'] as const;
const SERVICE = ['contains-name', 'must not contain the name of this service'] as const;
const BREACHED = ['breached', 'must not be one that is known from breaches'] as const;

/**
 * Of the user Annette with the address a.moss@example.org. Commands ask the same function and hash in earnest, so they get those that
 * show each reason, and what standard input could spoil.
 */
const PASSWORDS: { of: string; password: string; refused?: Reason[]; byCommand?: true }[] = [
  { of: 'one character too few', password: 'eleven char', refused: [SHORT], byCommand: true },
  { of: 'too few characters outside the basic plane', password: '🦊'.repeat(11), refused: [SHORT] },
  { of: 'enough characters', password: 'twelve chars', byCommand: true },
  { of: 'enough characters outside the basic plane', password: '🦊'.repeat(12), byCommand: true },
  { of: 'spaces alone', password: ' '.repeat(12) },
  { of: 'spaces at both ends, which count', password: '  eight 8.  ', byCommand: true },
  { of: 'one letter again and again, without digits or capitals', password: 'z'.repeat(64) },
  { of: '128 characters', password: 'long '.repeat(25).concat('end') },
  { of: 'a common password', password: '1q2w3e4r5t6y', refused: [COMMON] },
  { of: 'a common password in other case', password: 'CHRISTOPHER1', refused: [COMMON] },
  { of: 'a common password in full-width letters', password: 'ｃｈｒｉｓｔｏｐｈｅｒ１', refused: [COMMON] },
  {
    of: 'a common password that is also too short',
    password: 'iloveyou',
    refused: [SHORT, COMMON],
    byCommand: true,
  },
  { of: 'a common password and a space', password: '1q2w3e4r5t6y ' },
  { of: 'a password of the blocklist', password: 'Quarterly figures', refused: [COMMON], byCommand: true },
  { of: 'a password of the blocklist with spaces at its ends', password: '  Acme 2026! ', refused: [COMMON] },
  { of: 'the same without the spaces', password: 'of Acme 2026!' },
  { of: 'the username within', password: 'xx-aNNettE-26xx', refused: [USERNAME] },
  {
    of: 'the username in full-width letters',
    password: 'my ＡＮＮＥＴＴＥ key',
    refused: [USERNAME],
    byCommand: true,
  },
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
    byCommand: true,
  },
];

onEachEngine(
  'Wherever a password is set, the same ones are refused for the same reasons',
  async (t, engine) => {
    const { byApi, byCommand, takeHash } = await startPasswordPlaces(t, engine);
    const real = await makeHashing();
    const old = await quickHashing.hash(PASSWORD);
    t.teardown(() => real.end());
    const kinds = [
      {
        places: byApi,
        passwords: PASSWORDS,
        hashing: quickHashing,
        say: ([code, detail]: Reason) => `body /password ${code} ${detail}`,
      },
      {
        places: byCommand,
        passwords: PASSWORDS.filter(({ byCommand }) => byCommand),
        hashing: real,
        say: ([, detail]: Reason) => `manage: The password ${detail}.`,
      },
    ];
    for (const { places, passwords, hashing, say } of kinds) {
      for (const [name, setPassword] of Object.entries(places)) {
        await t.test(`${name} refuses what the table says`, async (t) => {
          for (const { of, password, refused = [] } of passwords) {
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
  const { byApi, byCommand, takeHash } = await startPasswordPlaces(t, engine);
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
  const { app, chief, settings, runCommand, takeHash } = await startPasswordPlaces(t, engine);
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
