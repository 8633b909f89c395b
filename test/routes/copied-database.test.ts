/**
 * Whoever has a copy of the database and all code, but neither SECRET_KEY nor a cookie, gets in with nothing that is stored: every value
 * of every table is sent in each place where a credential is read, as it is and in the forms that credentials have.
 */
import { createHmac } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { InjectOptions } from 'fastify';
import { test } from 'tap';
import { makeHashing } from '../../accounts/passwords/hashing.ts';
import { keyOf } from '../../accounts/secrets.ts';
import type { App } from '../../app.ts';
import { query, rowsOf } from '../support/database-content.ts';
import { onEachEngine } from '../support/engines.ts';
import { hasTokens } from '../support/optional.ts';
import {
  Client,
  makeToken,
  makeUser,
  PASSWORD,
  quickHashing,
  signedIn,
  startService,
} from '../support/service.ts';

const WRONG = 'a wrong password';
const CREDENTIAL_TABLES = [
  'users',
  'sessions',
  'codes',
  'attempts',
  'audit',
  ...(hasTokens ? ['tokens'] : []),
];

/** Lets everything happen that writes a row. @returns the credentials that work. */
async function useService(app: App) {
  await makeUser(app, 'chief', { admin: true });
  const ann = await makeUser(app, 'ann');
  await makeUser(app, 'bob', { active: false });
  const [chief, client] = [await signedIn(app, 'chief'), await signedIn(app, 'ann')];
  const token = hasTokens ? await makeToken(chief, { scopes: ['*'] }) : undefined;
  await client.request('PATCH', `/api/users/${ann}`, { email: 'ann@example.com' });
  await new Client(app).request('POST', '/api/sign/up', {
    username: 'cleo',
    password: PASSWORD,
    email: 'cleo@example.com',
  });
  await new Client(app).signIn('ann', WRONG);
  await new Client(app).request('POST', '/api/sign/reset', { code: 'rcc_x', password: PASSWORD });
  const issued = await chief.request('POST', `/api/users/${ann}/reset`);
  return { cookie: chief.cookie ?? '', token, code: String(issued.json().code) };
}

/** @returns every text and number that the database has, also those within JSON. */
async function storedValues(url: string): Promise<string[]> {
  const found = new Set<string>();
  const add = (value: unknown): void => {
    if (typeof value === 'object' && value !== null) for (const each of Object.values(value)) add(each);
    else if (value !== null) found.add(String(value));
    if (typeof value === 'string' && /^[[{]/.test(value)) add(JSON.parse(value));
  };
  add(await rowsOf(url));
  return [...found].filter((value) => value !== '');
}

const sign = (secret: string, key: string) =>
  `${secret}.${createHmac('sha256', key).update(secret).digest('base64url')}`;

/** @returns the value, and what it would be as a cookie, a token or a code. The signatures are by keys that are not the service's. */
function formsOf(value: string): string[] {
  const prefixed = ['rc_', 'rcc_'].map((prefix) => prefix + value);
  const summed = prefixed.map((text) => text + crc32(text).toString(16).padStart(8, '0'));
  const signed = ['', 'another key', value].map((key) => sign(value, key));
  return [value, ...prefixed, ...summed, ...signed, keyOf(value)];
}

const signInAs = (username: string, password: string): InjectOptions => ({
  method: 'POST',
  url: '/api/sign/in',
  payload: { username, password: password.slice(0, 128) },
});
const resetBy = (code: string): InjectOptions => ({
  method: 'POST',
  url: '/api/sign/reset',
  payload: { code, password: PASSWORD },
});

/** Where credentials are read: how one is sent, and the answers when it is not good. */
const PLACES: Record<
  string,
  { request: (credential: string) => InjectOptions; refusals: number[]; isPassword?: true }
> = {
  'the cookie': {
    request: (text) => ({ url: '/api/sign', headers: { cookie: `rollcall=${text}` } }),
    refusals: [401],
  },
  'the bearer token': {
    request: (text) => ({ url: '/api/sign', headers: { authorization: `Bearer ${text}` } }),
    refusals: [401],
  },
  'Basic authentication': {
    request: (text) => ({
      url: '/api/sign',
      headers: { authorization: `Basic ${Buffer.from(`ann:${text}`).toString('base64')}` },
    }),
    refusals: [401],
  },
  '?hack': {
    request: (text) => ({ url: `/api/sign?hack=${encodeURIComponent(text)}` }),
    refusals: [400, 401],
  },
  'the one-time code': { request: resetBy, refusals: [400] },
  'the password of a user': {
    request: (text) => signInAs('ann', text),
    refusals: [400, 401],
    isPassword: true,
  },
  'the password of an administrator': {
    request: (text) => signInAs('chief', text),
    refusals: [400, 401],
    isPassword: true,
  },
};

onEachEngine('A copy of the database lets nobody in (case 31)', async (t, engine) => {
  const settings = { SIGN_UP: 'open' } as const;
  const started = await startService(t, engine, { settings, hashing: quickHashing });
  const { app } = started;
  const url = started.settings.DATABASE_URL;
  const { cookie, token, code } = await useService(app);
  const rows = await rowsOf(url);
  for (const table of CREDENTIAL_TABLES) t.not(rows[table]?.length ?? 0, 0, `${table} has rows`);
  const values = await storedValues(url);
  t.ok(values.length > 50, `${values.length} values are stored`);

  let sent = 0;
  /** Sends it from a network of its own. @returns the status, or that a cookie was set. */
  const send = async (request: InjectOptions): Promise<number | 'a cookie'> => {
    sent++;
    const response = await app.inject({ ...request, remoteAddress: `10.0.${sent >> 8}.${sent & 255}` });
    return response.headers['set-cookie'] === undefined ? response.statusCode : 'a cookie';
  };

  for (const [place, { request, refusals, isPassword }] of Object.entries(PLACES)) {
    await t.test(`No stored value gets in as ${place}`, async (t) => {
      const others: string[] = [];
      for (const value of values) {
        // Or the user would have to wait.
        if (isPassword) await query(url, 'DELETE FROM attempts');
        for (const form of isPassword ? [value] : formsOf(value)) {
          const answer = await send(request(form));
          if (!refusals.some((status) => status === answer)) others.push(`${form}: ${answer}`);
        }
      }
      t.strictSame(others, []);
    });
  }

  await t.test('The credentials themselves still get in', async (t) => {
    const whoami = async (headers: Record<string, string>) =>
      (await app.inject({ url: '/api/sign', headers })).statusCode;
    t.equal(await whoami({ cookie }), 200);
    if (token) t.equal(await whoami(token.headers), 200);
    t.equal((await new Client(app).signIn('ann')).statusCode, 200);
    t.equal(await send(resetBy(code)), 204);
  });
});

test('The hash of a password is not the password', async (t) => {
  const { hash, verify, end } = await makeHashing();
  const hashed = await hash(PASSWORD);
  t.ok(await verify(hashed, PASSWORD));
  t.notOk(await verify(hashed, hashed));
  await end();
});
