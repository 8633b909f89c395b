/** PATCH user: who may change what, how concurrent changes are resolved, and what disabling a user ends. */
import { onEachEngine } from '../support/engines.ts';
import { Client, makeUser, quickHashing, signedIn, startService } from '../support/service.ts';

const UNKNOWN = '01900000-0000-7000-8000-000000000000';

/** Delays each read until all readers have read, so that they all see the same version. */
function readingTogether<Row>(readers: number, read: (id: string) => Promise<Row>) {
  const { promise: all, resolve } = Promise.withResolvers<void>();
  let count = 0;
  return async (id: string) => {
    const row = await read(id);
    if (++count === readers) resolve();
    await all;
    return row;
  };
}

onEachEngine('An administrator changes users', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  const admin = await signedIn(app, 'chief');

  t.test('PATCH user changes only the given fields', async (t) => {
    const id = await makeUser(app, 'ann');
    const url = `/api/users/${id}`;
    const before = (await admin.request('GET', url)).json();
    const response = await admin.request('PATCH', url, { name: 'Ann Other' });
    t.equal(response.statusCode, 200);
    t.equal(response.headers.etag, '"2"');
    const { updatedAt, ...rest } = response.json();
    t.strictSame({ ...rest, updatedAt: before.updatedAt }, { ...before, name: 'Ann Other' });
    t.ok(updatedAt >= before.updatedAt);

    const all = { username: 'Anna', name: '', email: null, active: false };
    t.match((await admin.request('PATCH', url, all)).json(), all);
    t.match((await admin.request('GET', url)).json(), { ...all, id });
    t.equal((await admin.request('GET', url)).headers.etag, '"3"');
  });

  t.test('PATCH user keeps the password, and the user signs in with the new name', async (t) => {
    const id = await makeUser(app, 'oldname');
    const changes = { username: 'NewName', email: 'new@example.org' };
    await admin.request('PATCH', `/api/users/${id}`, changes);
    for (const name of ['newname', 'new@example.org']) {
      t.equal((await new Client(app).signIn(name)).statusCode, 200);
    }
    for (const name of ['oldname', 'oldname@example.org']) {
      t.equal((await new Client(app).signIn(name)).statusCode, 401);
    }
  });

  t.test('PATCH user may change the case of a username', async (t) => {
    const id = await makeUser(app, 'carla');
    const response = await admin.request('PATCH', `/api/users/${id}`, { username: 'CARLA' });
    t.equal(response.statusCode, 200);
    t.match(response.json(), { username: 'CARLA' });
  });

  const taken = [
    { changes: { username: 'TAKEN' }, pointer: '/username' },
    { changes: { email: 'Taken@example.org' }, pointer: '/email' },
  ];
  for (const { changes, pointer } of taken) {
    t.test(`PATCH user answers 409 when ${pointer} is taken`, async (t) => {
      if (pointer === '/username') await makeUser(app, 'taken');
      const id = await makeUser(app, `taker-of-${pointer.slice(1)}`);
      const response = await admin.request('PATCH', `/api/users/${id}`, { ...changes, name: 'changed' });
      t.equal(response.statusCode, 409);
      t.match(response.json(), { errors: [{ in: 'body', pointer }] });
      t.match((await admin.request('GET', `/api/users/${id}`)).json(), { name: '' }, 'nothing is changed');
    });
  }

  t.test('PATCH and DELETE user answer 404 for an unknown id', async (t) => {
    t.equal((await admin.request('PATCH', `/api/users/${UNKNOWN}`, { name: 'x' })).statusCode, 404);
    t.equal((await admin.request('DELETE', `/api/users/${UNKNOWN}`)).statusCode, 404);
  });

  t.test('Concurrent PATCH user with the same If-Match succeeds once', async (t) => {
    const id = await makeUser(app, 'contested');
    t.capture(app.db.users, 'find', readingTogether(3, app.db.users.find));
    const ifMatch = { 'if-match': '"1"' };
    const responses = await Promise.all(
      ['one', 'two', 'three'].map((name) => admin.request('PATCH', `/api/users/${id}`, { name }, ifMatch)),
    );
    t.strictSame(responses.map(({ statusCode }) => statusCode).sort(), [200, 412, 412]);
    const winner = responses.find(({ statusCode }) => statusCode === 200)?.json();
    t.equal((await admin.request('GET', `/api/users/${id}`)).json().name, winner.name);
  });

  t.test('Twenty concurrent PATCH user without If-Match all succeed', async (t) => {
    const id = await makeUser(app, 'popular');
    const responses = await Promise.all(
      Array.from({ length: 20 }, (_, n) => admin.request('PATCH', `/api/users/${id}`, { name: `name ${n}` })),
    );
    t.strictSame(new Set(responses.map(({ statusCode }) => statusCode)), new Set([200]));
    t.equal((await admin.request('GET', `/api/users/${id}`)).headers.etag, '"21"');
  });

  t.test('Concurrent PATCH user of different fields keeps both changes', async (t) => {
    const id = await makeUser(app, 'shared');
    const changes = [{ name: 'Shared' }, { email: 'both@example.org' }];
    t.capture(app.db.users, 'find', readingTogether(2, app.db.users.find));
    await Promise.all(changes.map((each) => admin.request('PATCH', `/api/users/${id}`, each)));
    const user = (await admin.request('GET', `/api/users/${id}`)).json();
    t.match(user, { name: 'Shared', email: 'both@example.org' });
  });
});

onEachEngine('A user without users:write changes only their own profile', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  const id = await makeUser(app, 'ann');
  const other = await makeUser(app, 'bob');
  const client = await signedIn(app, 'ann');

  t.test(
    'A user changes their own name, and the e-mail address that they give themselves is pending',
    async (t) => {
      const changes = { name: 'Ann', email: 'ann@example.net' };
      const response = await client.request('PATCH', `/api/users/${id}`, changes);
      t.equal(response.statusCode, 200);
      t.match(response.json(), { name: 'Ann', email: 'ann@example.org', pendingEmail: 'ann@example.net' });
      t.equal((await client.request('GET', '/api/sign')).statusCode, 200, 'the user stays signed in');
    },
  );

  for (const changes of [{ username: 'anna' }, { active: false }, { active: true }, { username: 'ann' }]) {
    const [field] = Object.keys(changes);
    t.test(`A user cannot set ${JSON.stringify(changes)} on their own account`, async (t) => {
      const response = await client.request('PATCH', `/api/users/${id}`, { ...changes, name: 'sneaked in' });
      t.equal(response.statusCode, 403);
      t.match(response.json(), { errors: [{ in: 'body', pointer: `/${field}` }] });
      t.equal(response.json().errors.length, 1, 'only the forbidden field is reported');
      const after = (await client.request('GET', `/api/users/${id}`)).json();
      t.match(after, { username: 'ann', active: true, name: 'Ann' }, 'nothing is changed');
    });
  }

  t.test('A user gets 403 when changing another user, known or unknown', async (t) => {
    for (const target of [other, UNKNOWN]) {
      const response = await client.request('PATCH', `/api/users/${target}`, { name: 'x' });
      t.equal(response.statusCode, 403);
      t.match(response.json(), { detail: /users:write/ });
    }
    t.match((await client.request('GET', `/api/users/${other}`)).json(), { name: '' });
  });
});

onEachEngine('Disabling a user ends their access', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  const chief = await makeUser(app, 'chief', { admin: true });
  const admin = await signedIn(app, 'chief');

  t.test('Disabling a user ends all their sessions for good', async (t) => {
    const id = await makeUser(app, 'ann');
    const clients = [await signedIn(app, 'ann'), await signedIn(app, 'ann')];
    const keys = clients.map(({ cookie }) => app.sessionCookie.find(cookie)?.key ?? '');
    t.equal((await admin.request('PATCH', `/api/users/${id}`, { active: false })).statusCode, 200);
    for (const key of keys) t.equal(await app.db.sessions.find(key), undefined, 'the row is gone');
    t.equal((await new Client(app).signIn('ann')).statusCode, 401);
    t.equal((await admin.request('PATCH', `/api/users/${id}`, { active: true })).statusCode, 200);
    for (const client of clients) t.equal((await client.request('GET', '/api/sign')).statusCode, 401);
    t.equal((await new Client(app).signIn('ann')).statusCode, 200, 'the enabled user can sign in again');
  });

  t.test('Disabling or deleting the last administrator answers 409', async (t) => {
    const writes = [
      await admin.request('PATCH', `/api/users/${chief}`, { active: false, name: 'changed' }),
      await admin.request('DELETE', `/api/users/${chief}`),
    ];
    for (const response of writes) {
      t.equal(response.statusCode, 409);
      t.match(response.json(), { type: 'urn:rollcall:problem:last-administrator' });
    }
    const whoami = await admin.request('GET', '/api/sign');
    t.match(whoami.json(), { user: { active: true, name: '' }, permissions: ['*'] }, 'nothing is changed');
  });

  t.test('A disabled administrator does not count as an administrator', async (t) => {
    await makeUser(app, 'asleep', { admin: true, active: false });
    const response = await admin.request('PATCH', `/api/users/${chief}`, { active: false });
    t.equal(response.statusCode, 409);
  });

  t.test('One of two administrators who disable each other at once stays active', async (t) => {
    const second = await makeUser(app, 'second', { admin: true });
    const other = await signedIn(app, 'second');
    const responses = await Promise.all([
      admin.request('PATCH', `/api/users/${second}`, { active: false }),
      other.request('PATCH', `/api/users/${chief}`, { active: false }),
    ]);
    t.strictSame(responses.map(({ statusCode }) => statusCode).filter((code) => code === 200).length, 1);
    const answers = await Promise.all([admin, other].map((each) => each.request('GET', '/api/sign')));
    t.strictSame(answers.map(({ statusCode }) => statusCode).sort(), [200, 401]);
  });
});
