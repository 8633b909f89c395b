/** An invalid request body answers 4xx, names the invalid field, and changes nothing. */
import type { Test } from 'tap';
import type { App } from '../../app.ts';
import {
  EMAILS,
  FLAGS,
  GROUP_NAMES,
  INVISIBLE,
  json,
  LINES,
  NAMES,
  NEW_PASSWORDS,
  NO_TEXT,
  PERMISSION_LISTS,
  PERMISSIONS,
  ROLES,
  USERNAMES,
} from '../support/bad-values.ts';
import { onEachEngine, type TestEngine } from '../support/engines.ts';
import { Client, makeUser, PASSWORD, quickHashing, signedIn, startService } from '../support/service.ts';

/** A route that takes a body, and a body that it accepts. */
interface Target {
  method: string;
  url: string;
  valid: Record<string, unknown>;
}

/** Starts a service with a signed-in administrator, and a user and a group for the routes to change. */
async function start(t: Test, engine: TestEngine) {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  const ann = await makeUser(app, 'ann');
  const group = (await app.db.groups.findByName('admins'))?.id;
  const client = await signedIn(app, 'chief');
  const user = { username: 'new', name: 'New', email: 'new@example.org', active: true };
  const newer = { username: 'newer', name: 'Newer', email: 'newer@example.org', active: true };
  const fields = { title: 'New', permissions: ['*', 'a:b'] };
  const targets = {
    signIn: { method: 'POST', url: '/api/sign/in', valid: { username: 'ann', password: PASSWORD } },
    makeUser: { method: 'POST', url: '/api/users', valid: { ...user, password: PASSWORD } },
    changeUser: { method: 'PATCH', url: `/api/users/${ann}`, valid: newer },
    makeGroup: { method: 'POST', url: '/api/groups', valid: { ...fields, name: 'new' } },
    changeGroup: { method: 'PATCH', url: `/api/groups/${group}`, valid: { ...fields, name: 'newer' } },
    putMember: { method: 'PUT', url: `/api/groups/${group}/members/${ann}`, valid: { role: 'member' } },
  };
  return { app, client, group, targets };
}

function routeOf({ method, url }: Target) {
  return `${method} ${url.replaceAll(/[0-9a-f-]{36}/g, '…')}`;
}

/** @returns the target's valid body as JSON, with the field removed or set to `value` (JSON text). */
function bodyWith({ valid }: Target, field: string, value?: string) {
  const parts = Object.entries(valid)
    .filter(([name]) => name !== field)
    .map(([name, each]) => `${JSON.stringify(name)}:${JSON.stringify(each)}`);
  if (value !== undefined) parts.push(`"${field}":${value}`);
  return `{${parts.join(',')}}`;
}

/** Sends the text unchanged, with that content type. */
function send({ method, url }: Target, client: Client, body: string, type = 'application/json') {
  return client.request(method, url, body, type === '' ? {} : { 'content-type': type });
}

/** @returns everything that the API shows, to compare before and after. */
async function dump(app: App, group: string | undefined) {
  const reader = await signedIn(app, 'chief');
  const urls = ['/api/users?limit=100', '/api/groups?limit=100', `/api/groups/${group}/members?limit=100`];
  const answers = await Promise.all(urls.map((url) => reader.request('GET', url)));
  return answers.map(({ payload }) => payload.replaceAll(/"lastSignInAt":"[^"]*"/g, ''));
}

const HUGE = JSON.stringify({ name: 'x'.repeat(70_000) });

const WHOLE_BODIES = [
  { what: 'no body', body: '', status: 400 },
  { what: 'half an object', body: '{"name":', status: 400 },
  { what: 'single quotes', body: "{'name':'x'}", status: 400 },
  { what: 'text after the object', body: '{} {}', status: 400 },
  { what: 'text that is not JSON', body: 'name=x', status: 400 },
  { what: 'null', body: 'null', status: 400 },
  { what: 'an array', body: '[]', status: 400 },
  { what: 'an array of objects', body: '[{"name":"x"}]', status: 400 },
  { what: 'a string', body: '"name"', status: 400 },
  { what: 'a number', body: '1', status: 400 },
  { what: 'true', body: 'true', status: 400 },
  { what: 'an object without fields', body: '{}', status: 400 },
  { what: 'a prototype', body: '{"__proto__":{"isAdmin":true},"name":"x"}', status: 400 },
  { what: 'a constructor', body: '{"constructor":{"prototype":{"isAdmin":true}}}', status: 400 },
  { what: 'deep nesting', body: '['.repeat(30_000), status: 400 },
  { what: 'deep nesting around a prototype', body: `${'{"__proto__":'.repeat(4_000)}1`, status: 400 },
  { what: 'a body over the size limit', body: HUGE, status: 413 },
  { what: 'plain text', body: '{}', type: 'text/plain', status: 415 },
  { what: 'a form', body: 'name=x', type: 'application/x-www-form-urlencoded', status: 415 },
  { what: 'a multipart form', body: '--x--', type: 'multipart/form-data; boundary=x', status: 415 },
  { what: 'another JSON type', body: '{}', type: 'application/problem+json', status: 415 },
  { what: 'an invalid type', body: '{}', type: 'json', status: 415 },
  { what: 'no type', body: '{}', type: '', status: 415 },
];

onEachEngine('A body that is no valid JSON object is rejected', async (t, engine) => {
  const { app, client, group, targets } = await start(t, engine);
  const before = await dump(app, group);
  for (const target of Object.values(targets)) {
    t.test(`${routeOf(target)} rejects a body that is no valid JSON object`, async (t) => {
      for (const { what, body, status, type } of WHOLE_BODIES) {
        const response = await send(target, client, body, type);
        t.equal(response.statusCode, status, `${what} answers ${status}`);
        t.match(response.headers['content-type'], 'application/problem+json');
        t.match(response.json(), { status, detail: /./, requestId: /./ });
      }
      const extra = await send(target, client, JSON.stringify({ ...target.valid, 'a/b~c': 1 }));
      t.equal(extra.statusCode, 400, 'an unknown field answers 400');
      t.match(extra.json(), { errors: [{ in: 'body', pointer: '/a~1b~0c' }] });
    });
  }
  t.test('Rejected bodies change nothing', async (t) => {
    t.strictSame(await dump(app, group), before);
  });
});

/** @returns the first characters of the text, with those outside printable ASCII as code points. */
function readable(text: string) {
  return text.slice(0, 40).replaceAll(/[^ -~]/gu, (each) => `U+${each.codePointAt(0)?.toString(16)}`);
}

onEachEngine('A body with an invalid field is rejected at that field', async (t, engine) => {
  const { app, client, group, targets } = await start(t, engine);
  const { signIn, makeUser, changeUser, makeGroup, changeGroup, putMember } = targets;
  const before = await dump(app, group);

  const cases: { of: Target[]; field: string; values: string[]; kind?: string }[] = [
    { of: [signIn], field: 'username', values: [...LINES, ...json('', 'x'.repeat(255))] },
    { of: [signIn], field: 'password', values: [...NO_TEXT, 'null', ...json('', 'x'.repeat(129))] },
    { of: [signIn], field: 'remember', values: FLAGS },
    { of: [makeUser, changeUser], field: 'username', values: USERNAMES },
    { of: [makeUser, changeUser], field: 'username', values: INVISIBLE, kind: ' invisible' },
    { of: [makeUser, changeUser], field: 'email', values: EMAILS },
    { of: [makeUser, changeUser], field: 'name', values: NAMES },
    { of: [makeUser, changeUser], field: 'active', values: FLAGS },
    { of: [makeUser], field: 'password', values: NEW_PASSWORDS },
    { of: [makeGroup, changeGroup], field: 'name', values: GROUP_NAMES },
    { of: [makeGroup, changeGroup], field: 'title', values: NAMES },
    { of: [makeGroup, changeGroup], field: 'permissions', values: PERMISSION_LISTS },
    { of: [putMember], field: 'role', values: ROLES },
  ];
  for (const { of, field, values, kind = ' invalid' } of cases) {
    for (const target of of) {
      t.test(`${routeOf(target)} rejects each${kind} value of ${field}`, async (t) => {
        for (const value of values) {
          const response = await send(target, client, bodyWith(target, field, value));
          t.equal(response.statusCode, 400, `${readable(value)} is rejected`);
          t.match(response.headers['content-type'], 'application/problem+json');
          t.match(response.json(), {
            type: 'urn:rollcall:problem:invalid',
            errors: [{ in: 'body', pointer: `/${field}`, detail: /./ }],
          });
        }
      });
    }
  }

  for (const target of [makeGroup, changeGroup]) {
    t.test(`${routeOf(target)} names the invalid permission in the list`, async (t) => {
      for (const value of PERMISSIONS) {
        const response = await send(target, client, bodyWith(target, 'permissions', `["*",${value}]`));
        t.equal(response.statusCode, 400, `${readable(value)} is rejected`);
        t.match(response.json(), { errors: [{ in: 'body', pointer: '/permissions/1' }] });
      }
    });
  }

  const required = [
    { target: signIn, fields: ['username', 'password'] },
    { target: makeUser, fields: ['username'] },
    { target: makeGroup, fields: ['name'] },
    { target: putMember, fields: ['role'] },
  ];
  for (const { target, fields } of required) {
    t.test(`${routeOf(target)} rejects a body without a required field`, async (t) => {
      for (const field of fields) {
        const response = await send(target, client, bodyWith(target, field));
        t.equal(response.statusCode, 400);
        t.match(response.json(), { errors: [{ in: 'body', pointer: `/${field}`, detail: 'is missing' }] });
      }
    });
  }

  t.test('All invalid fields are told at once, each once, and at most 20', async (t) => {
    const wrong = { username: 'b b', email: 'nomail', password: 'x', active: 1, extra: true };
    const { errors } = (await client.request('POST', '/api/users', wrong)).json();
    t.strictSame(
      errors.map(({ pointer, code }: { pointer: string; code: string }) => [pointer, code]).sort(),
      [
        ['/active', 'type'],
        ['/email', 'format'],
        ['/extra', 'unknown'],
        ['/password', 'too-short'],
        ['/username', 'format'],
      ],
    );
    const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, n) => [`field-${n}`, n]));
    const permissions = Array.from({ length: 3_000 }, () => '?');
    for (const body of [many, { name: 'new', permissions }, { ...many, name: '', permissions: [1, 1] }]) {
      const response = await client.request('POST', '/api/groups', body);
      t.equal(response.statusCode, 400);
      const pointers = response.json().errors.map(({ pointer }: { pointer: string }) => pointer);
      t.equal(pointers.length, 20);
      t.equal(new Set(pointers).size, 20);
    }
  });

  t.test('The response never repeats a rejected value, which may be a secret', async (t) => {
    const body = JSON.stringify({ ...makeUser.valid, password: 'hunter2'.repeat(30) });
    t.notMatch((await send(makeUser, client, body)).payload, 'hunter2');
    const misplaced = JSON.stringify({ ...signIn.valid, username: 'hunter2'.repeat(50) });
    t.notMatch((await send(signIn, new Client(app), misplaced)).payload, 'hunter2');
    t.notMatch((await send(signIn, new Client(app), '{"password":"hunter2')).payload, 'hunter2');
  });

  t.test('Rejected fields change nothing', async (t) => {
    t.strictSame(await dump(app, group), before);
  });
});

onEachEngine('A valid body is accepted', async (t, engine) => {
  const { app, client, targets } = await start(t, engine);
  for (const target of Object.values(targets)) {
    t.test(`${routeOf(target)} accepts a valid body`, async (t) => {
      // Signing in would replace the administrator's session.
      const caller = target === targets.signIn ? new Client(app) : client;
      const response = await send(target, caller, JSON.stringify(target.valid));
      t.match(response.statusCode, /^20[01]$/, 'the body is valid');
    });
  }
});
