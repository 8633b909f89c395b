/**
 * Programs tell problems apart by their types, and wrong fields by their codes. Both stand in schemas/problems.ts and in docs/api.md,
 * and each can be provoked.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { LightMyRequestResponse } from 'fastify';
import { type Test, test } from 'tap';
import { ConflictError } from '../../../accounts/errors.ts';
import type { App } from '../../../app.ts';
import { DatabaseUnavailableError } from '../../../db/engines/engine.ts';
import { FIELD_CODES, PROBLEMS } from '../../../schemas/problems.ts';
import { breachedFile } from '../../support/breached.ts';
import { stopTheClock } from '../../support/clock.ts';
import { onEachEngine, type TestEngine } from '../../support/engines.ts';
import { hasTokens } from '../../support/optional.ts';
import { PROJECT } from '../../support/processes.ts';
import {
  Client,
  makeToken,
  makeUser,
  PASSWORD,
  quickHashing,
  signedIn,
  startService,
} from '../../support/service.ts';

const UNKNOWN = '01900000-0000-7000-8000-000000000000';

test('docs/api.md lists every type of problem with its status, every code of a field, and no other', async (t) => {
  const page = readFileSync(join(PROJECT, 'docs/api.md'), 'utf8');
  const listed = [...page.matchAll(/^\| `([\w-]+)` \| (\d{3}) \| (.+) \|$/gm)];
  t.strictSame(
    listed.map(([, kind, status, meaning]) => [kind, Number(status), meaning]),
    Object.entries(PROBLEMS).map(([kind, { status, meaning }]) => [kind, status, meaning]),
  );
  const codes = [...page.matchAll(/^\| `([\w-]+)` \| (\D[^|]*) \|$/gm)];
  t.strictSame(
    codes.map(([, code, meaning]) => [code, meaning]),
    Object.entries(FIELD_CODES),
  );
});

/** @returns the answer to a connection that ends with that error. */
async function brokenRequest(app: App, code: string) {
  const socket = new PassThrough();
  app.answerBrokenRequest(Object.assign(new Error('broken'), { code }), socket);
  const [head = '', payload = ''] = (await text(socket)).split('\r\n\r\n');
  return { statusCode: Number(head.split(' ')[1]), payload };
}

type Answer = Pick<LightMyRequestResponse, 'statusCode' | 'payload'>;
type Provoke = () => Promise<Answer>;

async function startScene(t: Test, app: App) {
  const chief = await makeUser(app, 'chief', { admin: true });
  const ann = await makeUser(app, 'ann');
  const [admin, client, gone] = [
    await signedIn(app, 'chief'),
    await signedIn(app, 'ann'),
    await signedIn(app, 'ann'),
  ];
  const cookie = gone.cookie;
  await gone.request('POST', '/api/sign/out');
  gone.cookie = cookie;
  const token = hasTokens ? await makeToken(admin, { scopes: ['audit:read'] }) : undefined;
  /** Lets a part of the service throw, once. */
  const failing = <Part extends object>(part: Part, name: keyof Part, error: unknown, send: Provoke) => {
    return async () => {
      const value = async () => {
        throw error;
      };
      const intercepted = t.intercept(part, name, { value });
      const answer = await send();
      intercepted.restore();
      return answer;
    };
  };
  return { chief, ann, admin, client, gone, token, failing, anonymous: new Client(app) };
}

/** @returns an administrator of a service with that file of breached passwords. */
async function signInWithBreached(t: Test, engine: TestEngine, BREACHED_PASSWORDS_FILE: string) {
  const settings = { BREACHED_PASSWORDS_FILE };
  const { app } = await startService(t, engine, { settings, hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  return signedIn(app, 'chief');
}

onEachEngine('Every type of problem and every code can be provoked', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  const { chief, ann, admin, client, gone, token, failing, anonymous } = await startScene(t, app);
  const json = { 'content-type': 'application/json' };
  const listUsers: Provoke = () => client.request('GET', '/api/users');
  const change = { current: 'wrong', password: PASSWORD };

  const provoke: Record<keyof typeof PROBLEMS, Provoke> = {
    invalid: () => client.request('GET', '/api/users?limit=0'),
    malformed: () => anonymous.request('POST', '/api/sign/in', '{"username":', json),
    'invalid-code': () => anonymous.request('POST', '/api/sign/reset', { code: 'x', password: PASSWORD }),
    'https-required': async () => {
      const production = await startService(t, engine, { settings: { NODE_ENV: 'production' } });
      return new Client(production.app).signIn('ann');
    },
    'cross-site': () =>
      client.request('POST', '/api/sign/out', undefined, { origin: 'https://other.example.org' }),
    unauthenticated: () => anonymous.request('GET', '/api/users'),
    'session-ended': () => gone.request('GET', '/api/users'),
    'invalid-token': () =>
      anonymous.request('GET', '/api/users', undefined, { authorization: 'Bearer nonsense' }),
    'wrong-credentials': () => new Client(app).signIn('nobody', 'wrong'),
    'missing-permission': () => client.request('POST', '/api/users', { username: 'new' }),
    'insufficient-scope': () => anonymous.request('POST', '/api/users', { username: 'new' }, token?.headers),
    'session-required': () => anonymous.request('GET', '/api/sessions', undefined, token?.headers),
    confirm: async () => {
      stopTheClock(t)(15 * 60);
      return client.request('PUT', `/api/users/${ann}/password`, { current: PASSWORD, password: PASSWORD });
    },
    'wrong-password': () => admin.request('PUT', `/api/users/${chief}/password`, change),
    'own-password': () => admin.request('POST', `/api/users/${chief}/reset`),
    'not-a-member': () => client.request('GET', '/api/sign/check?group=admins'),
    'not-found': () => client.request('GET', `/api/users/${UNKNOWN}`),
    'no-such-path': () => client.request('GET', '/api/nothing'),
    'method-not-allowed': () => client.request('PUT', '/api/users'),
    timeout: () => brokenRequest(app, 'ERR_HTTP_REQUEST_TIMEOUT'),
    duplicate: () => admin.request('POST', '/api/users', { username: 'ann' }),
    'last-administrator': () => admin.request('PATCH', `/api/users/${chief}`, { active: false }),
    conflict: failing(app.db.users, 'find', new ConflictError('x'), () =>
      client.request('GET', `/api/users/${ann}`),
    ),
    'stale-version': () => admin.request('PATCH', `/api/users/${ann}`, { name: 'x' }, { 'if-match': '"7"' }),
    'body-too-large': () => admin.request('POST', '/api/users', { username: 'x'.repeat(70_000) }),
    'path-too-long': () => admin.request('GET', `/api/users/${'x'.repeat(200)}`),
    'not-json': () => admin.request('POST', '/api/users', 'x', { 'content-type': 'text/plain' }),
    'content-encoding': () =>
      admin.request('POST', '/api/users', '{}', { ...json, 'content-encoding': 'gzip' }),
    'expectation-failed': () => anonymous.request('GET', '/', undefined, { expect: '200-ok' }),
    'too-many-attempts': async () => {
      for (let time = 0; time < 5; time++) await new Client(app).signIn('guessed', 'wrong');
      return new Client(app).signIn('guessed', 'wrong');
    },
    'headers-too-large': () => brokenRequest(app, 'HPE_HEADER_OVERFLOW'),
    internal: failing(app.db.users, 'page', new Error('x'), listUsers),
    busy: async () => {
      const full = t.intercept(app.passwords, 'isFull', { value: true });
      const answer = await new Client(app).signIn('ann');
      full.restore();
      return answer;
    },
    'password-check-unavailable': async () => {
      const made = { username: 'new', password: 'a password of the new one' };
      const chief = await signInWithBreached(t, engine, '/nowhere/breached.txt');
      return chief.request('POST', '/api/users', made);
    },
    'database-unavailable': failing(app.db.users, 'page', new DatabaseUnavailableError('x'), listUsers),
    'outcome-unknown': failing(app.db.users, 'page', new DatabaseUnavailableError('x', false), listUsers),
    'wrong-schema': async () => {
      const behind = t.intercept(app.db, 'schemaIsCurrent', { value: async () => false });
      const answer = await anonymous.request('GET', '/readyz');
      behind.restore();
      return answer;
    },
  };
  // The clock goes on in the last one.
  const { confirm, ...others } = provoke;
  for (const [kind, send] of Object.entries({ ...others, confirm })) {
    if (!hasTokens && ['invalid-token', 'insufficient-scope', 'session-required'].includes(kind)) continue;
    await t.test(`A problem of the type ${kind} is answered with its status`, async (t) => {
      const { statusCode, payload } = await send();
      const status = Object.entries(PROBLEMS).find(([name]) => name === kind)?.[1].status;
      t.equal(statusCode, status, payload);
      t.match(JSON.parse(payload), { status, type: `urn:rollcall:problem:${kind}`, detail: /./ });
    });
  }
});

onEachEngine('Every code of a field can be provoked', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  const { chief, ann, admin, client } = await startScene(t, app);
  const group = (body: object) => admin.request('POST', '/api/groups', { name: 'new', ...body });
  const user = (body: object) => admin.request('POST', '/api/users', { username: 'new', ...body });
  const change = { current: 'wrong', password: PASSWORD };

  const provoke: Record<keyof typeof FIELD_CODES, { pointer: string; detail?: string; send: Provoke }> = {
    unknown: { pointer: '/extra', detail: 'is not a field of this', send: () => user({ extra: 1 }) },
    missing: {
      pointer: '/name',
      detail: 'is missing',
      send: () => admin.request('POST', '/api/groups', {}),
    },
    type: { pointer: '/active', detail: 'must be true or false', send: () => user({ active: 'true' }) },
    format: { pointer: '/email', detail: 'must be an e-mail address', send: () => user({ email: 'nomail' }) },
    choice: {
      pointer: '/role',
      detail: 'must be one of member, manager',
      send: async () => {
        const { id } = (await group({ name: 'choice' })).json();
        return admin.request('PUT', `/api/groups/${id}/members/${ann}`, { role: 'chief' });
      },
    },
    'too-short': {
      pointer: '/password',
      detail: 'must be at least 8 characters long',
      send: () => user({ password: 'short' }),
    },
    'too-long': {
      pointer: '/username',
      detail: 'must be at most 64 characters long',
      send: () => user({ username: 'x'.repeat(65) }),
    },
    'too-small': {
      pointer: '/limit',
      detail: 'must be at least 1',
      send: () => admin.request('GET', '/api/users?limit=0'),
    },
    'too-large': {
      pointer: '/limit',
      detail: 'must be at most 100',
      send: () => admin.request('GET', '/api/users?limit=101'),
    },
    'too-few': {
      pointer: '',
      detail: 'must have at least one field',
      send: () => admin.request('PATCH', `/api/users/${ann}`, {}),
    },
    'too-many': {
      pointer: '/permissions',
      detail: 'must have at most 100 entries',
      send: () => group({ permissions: Array.from({ length: 101 }, (_, n) => `a:${'b'.repeat(n % 50)}c`) }),
    },
    repeated: {
      pointer: '/limit',
      detail: 'must be given only once',
      send: () => admin.request('GET', '/api/users?limit=1&limit=1'),
    },
    taken: { pointer: '/username', detail: 'is taken', send: () => user({ username: 'ANN' }) },
    wrong: { pointer: '/current', send: () => admin.request('PUT', `/api/users/${chief}/password`, change) },
    forbidden: {
      pointer: '/active',
      detail: 'asks for users:write',
      send: () => client.request('PATCH', `/api/users/${ann}`, { active: false }),
    },
    common: {
      pointer: '/password',
      detail: 'must not be a common password, or one that this service refuses',
      send: () => user({ password: 'Password123' }),
    },
    'contains-name': {
      pointer: '/password',
      detail: 'must not contain the name of this service',
      send: () => user({ password: 'our RollCall' }),
    },
    breached: {
      pointer: '/password',
      detail: 'must not be one that is known from breaches',
      send: async () => {
        const chief = await signInWithBreached(t, engine, breachedFile(t, [PASSWORD]));
        return chief.request('POST', '/api/users', { username: 'new', password: PASSWORD });
      },
    },
  };
  for (const [code, { pointer, detail = /./, send }] of Object.entries(provoke)) {
    await t.test(`The field ${pointer} is told with the code ${code}`, async (t) => {
      t.match(JSON.parse((await send()).payload), { errors: [{ pointer, code, detail }] });
    });
  }
});
