/**
 * A caller with users:write or sessions:write administers only accounts that hold no more permissions than the caller. Otherwise the
 * caller could take over an account and gain its permissions.
 */
import { randomUUIDv7 } from 'node:crypto';
import { onEachEngine } from '../support/engines.ts';
import { hasTokens } from '../support/optional.ts';
import {
  Client,
  makeToken,
  makeUser,
  quickHashing,
  signedIn,
  startService,
  whoamiStatus,
} from '../support/service.ts';

onEachEngine('A caller with users:write cannot administer a stronger account', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  const eve = await makeUser(app, 'eve', { admin: true, active: false });
  const bob = await makeUser(app, 'bob');
  const ann = await makeUser(app, 'ann');
  const groupId = randomUUIDv7();
  const group = { id: groupId, name: 'clerks', title: '', permissions: ['users:write'] };
  await app.db.atomically([
    ...app.db.groups.add(group, Date.now()),
    app.db.memberships.add({ groupId, userId: ann, role: 'member' }, Date.now()),
  ]);
  const clerk = await signedIn(app, 'ann');
  const chief = await signedIn(app, 'chief');

  for (const changes of [{ active: true }, { email: 'ann@example.com' }, { username: 'adam' }]) {
    t.test(`A clerk cannot change the ${Object.keys(changes)} of an administrator`, async (t) => {
      const before = await app.db.users.find(eve);
      const response = await clerk.request('PATCH', `/api/users/${eve}`, changes);
      t.equal(response.statusCode, 403);
      t.match(response.json().detail, '*');
      t.strictSame(await app.db.users.find(eve), before);
    });
  }

  t.test('A clerk cannot delete an administrator', async (t) => {
    t.equal((await clerk.request('DELETE', `/api/users/${eve}`)).statusCode, 403);
    t.ok(await app.db.users.find(eve));
  });

  t.test('A clerk changes and deletes users who hold no more', async (t) => {
    const changes = { username: 'bobby', email: null, active: false };
    t.equal((await clerk.request('PATCH', `/api/users/${bob}`, changes)).statusCode, 200);
    t.equal((await clerk.request('DELETE', `/api/users/${bob}`)).statusCode, 204);
  });

  t.test('A reset code issued by a clerk stops working when the user gains more permissions', async (t) => {
    const made = await clerk.request('POST', '/api/users', { username: 'cleo' });
    const cleo: string = made.json().id;
    const reset = (code: string) =>
      clerk.request('POST', '/api/sign/reset', { code, password: 'chosen by the clerk' });
    const admins = await app.db.groups.findByName('admins');
    const membership = `/api/groups/${admins?.id}/members/${cleo}`;
    t.equal((await chief.request('PUT', membership, { role: 'member' })).statusCode, 200);
    const refused = await reset(made.json().reset.code);
    t.match(refused.json(), { status: 400, type: 'urn:rollcall:problem:invalid-code' });
    t.equal(await app.db.users.passwordHash(cleo), null);

    const issued = await chief.request('POST', `/api/users/${cleo}/reset`);
    t.equal((await reset(issued.json().code)).statusCode, 204, 'the code of an administrator works');
  });

  t.test('A reset code issued by a clerk works for a user who holds no more', async (t) => {
    const made = await clerk.request('POST', '/api/users', { username: 'dora' });
    const body = { code: made.json().reset.code, password: 'chosen by its user' };
    t.equal((await clerk.request('POST', '/api/sign/reset', body)).statusCode, 204);
  });

  t.test(
    'A reset code issued by a clerk stops working when a group of the user gains permissions',
    async (t) => {
      const made = await clerk.request('POST', '/api/users', { username: 'emil' });
      const plain = await chief.request('POST', '/api/groups', { name: 'plain' });
      const group = `/api/groups/${plain.json().id}`;
      await chief.request('PUT', `${group}/members/${made.json().id}`, { role: 'member' });
      await chief.request('PATCH', group, { permissions: ['audit:read'] });
      const body = { code: made.json().reset.code, password: 'chosen by the clerk' };
      t.equal((await clerk.request('POST', '/api/sign/reset', body)).statusCode, 400);
    },
  );

  t.test(
    'A clerk cannot issue a reset code for themselves, nor can their token administer them',
    async (t) => {
      t.equal((await clerk.request('POST', `/api/users/${ann}/reset`)).statusCode, 403);
      if (!hasTokens) return;
      const token = await clerk.request('POST', '/api/tokens', { name: 'robot', scopes: ['users:write'] });
      const robot = new Client(app);
      const headers = { authorization: `Bearer ${token.json().secret}` };
      const requestAsToken = (method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: object) =>
        robot.request(method, `/api/users/${ann}${path}`, body, headers);
      t.equal((await requestAsToken('POST', '/reset')).statusCode, 403);
      t.equal((await requestAsToken('PATCH', '', { email: 'thief@example.org' })).statusCode, 403);
      t.equal((await requestAsToken('PATCH', '', { username: 'thief' })).statusCode, 403);
      t.equal((await requestAsToken('DELETE', '')).statusCode, 403);
    },
  );

  t.test('Sessions are listed and ended only by who holds all that their user holds (7.4.5)', async (t) => {
    const guards = { id: randomUUIDv7(), name: 'guards', title: '', permissions: ['sessions:write'] };
    const gustav = await makeUser(app, 'gustav');
    await makeUser(app, 'hanna');
    await app.db.atomically([
      ...app.db.groups.add(guards, Date.now()),
      app.db.memberships.add({ groupId: guards.id, userId: gustav, role: 'member' }, Date.now()),
    ]);
    const scopes = { scopes: ['sessions:write'] };
    const token = hasTokens ? await makeToken(await signedIn(app, 'gustav'), scopes) : undefined;
    const cases = [
      { name: 'chief', lacks: '*' },
      { name: 'ann', lacks: 'users:write' },
      { name: 'gustav', lacks: undefined },
      { name: 'hanna', lacks: undefined },
    ];
    for (const { name, lacks } of cases) {
      for (const by of [undefined, ...(token ? [token.headers] : [])]) {
        const what = `those of ${name} by ${by ? 'a token' : 'a session'}`;
        const target = await signedIn(app, name);
        const caller = by ? new Client(app) : await signedIn(app, 'gustav');
        const { id } = (await target.request('GET', '/api/sign')).json().user;
        const [listed, ended] = [
          await caller.request('GET', `/api/users/${id}/sessions`, undefined, by),
          await caller.request('DELETE', `/api/users/${id}/sessions`, undefined, by),
        ];
        t.equal(listed.statusCode, lacks ? 403 : 200, `listing ${what}: ${listed.payload}`);
        t.equal(ended.statusCode, lacks ? 403 : 204, `ending ${what}: ${ended.payload}`);
        if (lacks)
          for (const { payload } of [listed, ended]) t.ok(JSON.parse(payload).detail.includes(lacks));
        t.equal(await whoamiStatus(target), lacks ? 200 : 401, what);
      }
    }
    const guard = await signedIn(app, 'gustav');
    t.equal((await guard.request('GET', `/api/users/${randomUUIDv7()}/sessions`)).statusCode, 404);
  });

  t.test('A reset code stops working when the clerk who issued it is disabled', async (t) => {
    const made = await clerk.request('POST', '/api/users', { username: 'fritz' });
    t.equal((await chief.request('PATCH', `/api/users/${ann}`, { active: false })).statusCode, 200);
    const body = { code: made.json().reset.code, password: 'chosen by the clerk' };
    t.equal((await new Client(app).request('POST', '/api/sign/reset', body)).statusCode, 400);
  });
});
