/** The fuzzer finds what it is for: answers that the description does not declare, and rows that should not be. */
import Fastify from 'fastify';
import { test } from 'tap';
import { HASH_PREFIX } from '../../accounts/passwords/hashing.ts';
import { engines, onEachEngine } from './engines.ts';
import { Api, type Description } from './fuzz/description.ts';
import { brokenInvariants, type Content, contentOf } from './fuzz/invariants.ts';
import { faultsOf } from './fuzz/judge.ts';
import { makeUser, quickHashing, signedIn, startService } from './service.ts';

const PAGE = '{"items":[],"next":null}';
const problem = (status: number) =>
  JSON.stringify({ type: 'about:blank', title: 'x', status, detail: 'x', requestId: 'r' });

interface Answer {
  /** By default `GET /api/groups`. */
  send?: string;
  status?: number;
  type?: string;
  headers?: Record<string, string>;
  body?: string;
  fault?: RegExp;
}

const JSON_TYPE = 'application/json; charset=utf-8';
const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** Answers, and what is wrong with each; nothing where there is no fault. */
const ANSWERS: Record<string, Answer> = {
  'a page': { body: PAGE },
  'a problem': { status: 400, type: PROBLEM_TYPE, body: problem(400) },
  'an undeclared status': {
    status: 409,
    type: PROBLEM_TYPE,
    body: problem(409),
    fault: /does not declare 409/,
  },
  'a page without its next': { body: '{"items":[]}', fault: /must have required property 'next'/ },
  'an item that is no group': { body: '{"items":[{}],"next":null}', fault: /body\/items\/0 must have/ },
  'no JSON': { body: 'x', fault: /is no JSON/ },
  'another type': { type: 'text/html', body: '<p>', fault: /undeclared type "text\/html"/ },
  'a problem as plain JSON': { status: 400, body: problem(400), fault: /undeclared type/ },
  'a problem of another status': {
    status: 400,
    type: PROBLEM_TYPE,
    body: problem(403),
    fault: /of another status/,
  },
  'a page for caches': { body: PAGE, headers: { 'cache-control': 'max-age=9' }, fault: /stored in a cache/ },
  'no request id': { body: PAGE, headers: { 'x-request-id': '' }, fault: /no X-Request-Id/ },
  'the hash of a password': {
    body: `{"items":[],"next":null,"more":"${HASH_PREFIX}x"}`,
    fault: /the hash of a password/,
  },
  '401 without a challenge': {
    status: 401,
    type: PROBLEM_TYPE,
    body: problem(401),
    fault: /must have the header www-authenticate/,
  },
  '405 without Allow': {
    send: 'PUT /api/groups',
    status: 405,
    type: PROBLEM_TYPE,
    body: problem(405),
    fault: /must have the header allow/,
  },
  '404 in the place of 405': {
    send: 'PUT /api/groups',
    status: 404,
    type: PROBLEM_TYPE,
    body: problem(404),
    fault: /must be 405/,
  },
  'success where there is no operation': { send: 'PUT /api/groups', body: PAGE, fault: /no such operation/ },
  'a body in an answer of 204': { send: 'DELETE /api/sessions', body: '{}', fault: /should be empty|204/ },
  'a query on the way': { send: 'GET /api/groups?limit=1', body: PAGE },
  'a change of another origin where there is no operation': {
    send: 'PUT /api/groups',
    status: 403,
    type: PROBLEM_TYPE,
    body: problem(403),
  },
  'another path': { send: 'GET /nothing', status: 404, type: PROBLEM_TYPE, body: problem(404) },
};

test('The fuzzer tells answers that are as the description says from others', async (t) => {
  const [engine] = engines;
  if (!engine) throw new Error('SQLite is always available.');
  const { app } = await startService(t, engine, { hashing: quickHashing, settings: { DOCS: true } });
  const description: Description = (await app.inject('/openapi.json')).json();
  const api = new Api(description);
  for (const [
    name,
    { send = 'GET /api/groups', status = 200, type = JSON_TYPE, headers, body, fault },
  ] of Object.entries(ANSWERS)) {
    const [method = '', url = ''] = send.split(' ');
    const standIn = Fastify();
    standIn.get('/', (_request, reply) =>
      reply
        .code(status)
        .headers({ 'x-request-id': 'r', 'cache-control': 'no-store', 'content-type': type, ...headers })
        .send(body),
    );
    const faults = faultsOf(api, method, url, await standIn.inject('/'));
    t.match(faults.join('\n'), fault ?? /^$/, name);
  }
});

/** @returns the first row that fits. */
function rowOf(
  { rows }: Content,
  table: string,
  fits: (row: Record<string, unknown>) => boolean = () => true,
) {
  const row = rows[table]?.find(fits);
  if (!row) throw new Error(`There is no such row of ${table}.`);
  return row;
}

/** Changes of the rows, and what is found then. */
const CHANGES: Record<string, { change: (content: Content) => void; fault: RegExp }> = {
  'a version of 0': {
    change: (content) => Object.assign(rowOf(content, 'users'), { version: 0 }),
    fault: /^A version is 1 at least/,
  },
  'a disabled user who is signed in': {
    change: (content) => {
      const { user_id: id } = rowOf(content, 'sessions');
      Object.assign(
        rowOf(content, 'users', (row) => row.id === id),
        { active: 0 },
      );
    },
    fault: /^A disabled user has no session/,
  },
  'a session that idles for ever': {
    change: (content) => Object.assign(rowOf(content, 'sessions'), { ends_at: 1 }),
    fault: /^A session idles no longer/,
  },
  'a name with another key': {
    change: (content) => Object.assign(rowOf(content, 'users'), { username: 'other' }),
    fault: /^A username is kept/,
  },
  'an address with another key': {
    change: (content) => Object.assign(rowOf(content, 'users'), { email: 'other@example.org' }),
    fault: /^An address is kept/,
  },
  'a password as it is': {
    change: (content) => Object.assign(rowOf(content, 'users'), { password_hash: 'correct horse' }),
    fault: /^A password is stored as a hash/,
  },
  'a role that there is not': {
    change: (content) => Object.assign(rowOf(content, 'memberships'), { role: 'owner' }),
    fault: /^A membership has a role/,
  },
  'a permission of no form': {
    change: (content) =>
      content.rows.group_permissions?.push({ ...rowOf(content, 'groups'), permission: 'x' }),
    fault: /^A permission is one by its form/,
  },
  'a count of nothing': {
    change: (content) => Object.assign(content.rows, { attempts: [{ failures: 0 }] }),
    fault: /^A count of attempts is 1/,
  },
  'audit entries in another order': {
    change: (content) => content.rows.audit?.push({ ...rowOf(content, 'audit'), id: 'z', at: 1 }),
    fault: /^Audit entries are in the order/,
  },
  'a session of a user who is gone': {
    change: (content) => Object.assign(rowOf(content, 'sessions'), { user_id: 'gone' }),
    fault: /^sessions refers to a row of users that is not there: \["gone"\]/,
  },
  'no administrator': {
    change: (content) => Object.assign(content.rows, { memberships: [] }),
    fault: /^No active user with a password holds every permission/,
  },
  'a user of whom the audit trail tells nothing': {
    change: (content) => content.rows.users?.push({ ...rowOf(content, 'users') }),
    fault: /^There are \d users, and by the audit trail \d/,
  },
};

onEachEngine('The fuzzer finds rows that should not be', async (t, engine) => {
  const { app, settings } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  const chief = await signedIn(app, 'chief');
  await chief.request('POST', '/api/users', { username: 'ann' });
  const content = await contentOf(settings.DATABASE_URL);
  const past = { made: { users: 1, groups: 1 }, disabled: new Set<string>() };
  t.strictSame(brokenInvariants(content, past), [], 'nothing is wrong as it is');
  for (const [name, { change, fault }] of Object.entries(CHANGES)) {
    const changed = structuredClone(content);
    change(changed);
    const faults = brokenInvariants(changed, past);
    t.match(
      faults.find((each) => fault.test(each)),
      fault,
      name,
    );
  }
});
