/**
 * Programs tell problems apart by their types. These stand in schemas/problems.ts and in docs/api.md, and each can be provoked.
 * field-codes.test.ts has the codes of wrong fields.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'tap';
import { ConflictError } from '../../../accounts/errors.ts';
import type { App } from '../../../app.ts';
import { DatabaseUnavailableError, ReadOnlyError } from '../../../db/engines/engine.ts';
import { FIELD_CODES, PROBLEMS } from '../../../schemas/problems.ts';
import { stopTheClock } from '../../support/clock.ts';
import { onEachEngine } from '../../support/engines.ts';
import { hasTokens } from '../../support/optional.ts';
import { type Provoke, signInWithBreached, startProblems } from '../../support/problems.ts';
import { PROJECT } from '../../support/processes.ts';
import { Client, PASSWORD, quickHashing, startService } from '../../support/service.ts';

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

onEachEngine('Every type of problem can be provoked', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  const { chief, ann, admin, client, gone, token, failing, anonymous } = await startProblems(t, app);
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
    stopping: async () => {
      app.stopping = true;
      const answer = await anonymous.request('GET', '/readyz');
      app.stopping = false;
      return answer;
    },
    // overload.test.ts overloads a service.
    overloaded: failing(app.db.users, 'page', app.problem({ kind: 'overloaded', detail: 'x' }), listUsers),
    'password-check-unavailable': async () => {
      const made = { username: 'new', password: 'a password of the new one' };
      const chief = await signInWithBreached(t, engine, '/nowhere/breached.txt');
      return chief.request('POST', '/api/users', made);
    },
    'database-unavailable': failing(app.db.users, 'page', new DatabaseUnavailableError('x'), listUsers),
    'outcome-unknown': failing(app.db.users, 'page', new DatabaseUnavailableError('x', false), listUsers),
    'read-only': failing(app.db.users, 'page', new ReadOnlyError(), listUsers),
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
