/** Changing users: who may change what, how editors are kept from overwriting each other, and what disabling ends. */
import { onEachEngine } from '../support/engines.ts';
import { Client, makeUser, signedIn, startService } from '../support/service.ts';

const UNKNOWN = '01900000-0000-7000-8000-000000000000';

/** Lets nobody who reads go on until so many have read, so that they all have the same before them. */
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

onEachEngine('changing a user', async (t, engine) => {
  const { app } = await startService(t, engine);
  await makeUser(app, 'chief', { admin: true });
  const admin = await signedIn(app, 'chief');

  t.test('changes what is given, and nothing else', async (t) => {
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

  t.test('keeps the password, and makes the new name the one to sign in with', async (t) => {
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

  t.test('may change how the own name is written', async (t) => {
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
    t.test(`is refused when ${pointer} is taken`, async (t) => {
      if (pointer === '/username') await makeUser(app, 'taken');
      const id = await makeUser(app, `taker-of-${pointer.slice(1)}`);
      const response = await admin.request('PATCH', `/api/users/${id}`, { ...changes, name: 'changed' });
      t.equal(response.statusCode, 409);
      t.match(response.json(), { errors: [{ in: 'body', pointer }] });
      t.match((await admin.request('GET', `/api/users/${id}`)).json(), { name: '' }, 'nothing is changed');
    });
  }

  t.test('gives 404 when there is no such user', async (t) => {
    t.equal((await admin.request('PATCH', `/api/users/${UNKNOWN}`, { name: 'x' })).statusCode, 404);
    t.equal((await admin.request('DELETE', `/api/users/${UNKNOWN}`)).statusCode, 404);
  });

  const matches = [
    { header: '"1"', status: 200 },
    { header: '*', status: 200 },
    { header: '"7", "1"', status: 200 },
    { header: '"7","1" ,"8"', status: 200 },
    { header: '"2"', status: 412 },
    { header: '"7", "8"', status: 412 },
    { header: '1', status: 412 },
    { header: 'W/"1"', status: 412 },
  ];
  for (const [index, { header, status }] of matches.entries()) {
    t.test(`with If-Match: ${header} on version 1 gives ${status}`, async (t) => {
      const id = await makeUser(app, `match-${index}`);
      const url = `/api/users/${id}`;
      const response = await admin.request('PATCH', url, { name: 'x' }, { 'if-match': header });
      t.equal(response.statusCode, status);
      const after = await admin.request('GET', url);
      t.equal(after.json().name, status === 200 ? 'x' : '');
      t.equal(after.headers.etag, status === 200 ? '"2"' : '"1"');
    });
  }

  t.test('from the same version at the same time lets one win', async (t) => {
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

  t.test('twenty times at once without If-Match loses none', async (t) => {
    const id = await makeUser(app, 'popular');
    const responses = await Promise.all(
      Array.from({ length: 20 }, (_, n) => admin.request('PATCH', `/api/users/${id}`, { name: `name ${n}` })),
    );
    t.strictSame(new Set(responses.map(({ statusCode }) => statusCode)), new Set([200]));
    t.equal((await admin.request('GET', `/api/users/${id}`)).headers.etag, '"21"');
  });

  t.test('in different fields at once keeps both', async (t) => {
    const id = await makeUser(app, 'shared');
    const changes = [{ name: 'Shared' }, { email: 'both@example.org' }];
    t.capture(app.db.users, 'find', readingTogether(2, app.db.users.find));
    await Promise.all(changes.map((each) => admin.request('PATCH', `/api/users/${id}`, each)));
    const user = (await admin.request('GET', `/api/users/${id}`)).json();
    t.match(user, { name: 'Shared', email: 'both@example.org' });
  });
});

onEachEngine('without the permission to write users', async (t, engine) => {
  const { app } = await startService(t, engine);
  const id = await makeUser(app, 'ann');
  const other = await makeUser(app, 'bob');
  const client = await signedIn(app, 'ann');

  t.test('one changes the own name and e-mail address', async (t) => {
    const changes = { name: 'Ann', email: 'ann@example.net' };
    const response = await client.request('PATCH', `/api/users/${id}`, changes);
    t.equal(response.statusCode, 200);
    t.match(response.json(), changes);
    t.equal((await client.request('GET', '/api/sign')).statusCode, 200, 'and stays signed in');
  });

  for (const changes of [{ username: 'anna' }, { active: false }, { active: true }, { username: 'ann' }]) {
    const [field] = Object.keys(changes);
    t.test(`one is refused to set the own ${JSON.stringify(changes)}`, async (t) => {
      const response = await client.request('PATCH', `/api/users/${id}`, { ...changes, name: 'sneaked in' });
      t.equal(response.statusCode, 403);
      t.match(response.json(), { errors: [{ in: 'body', pointer: `/${field}` }] });
      t.equal(response.json().errors.length, 1, 'the name is not at fault');
      const after = (await client.request('GET', `/api/users/${id}`)).json();
      t.match(after, { username: 'ann', active: true, name: 'Ann' }, 'nothing is changed');
    });
  }

  t.test('one changes nobody else, whether they are there or not', async (t) => {
    for (const target of [other, UNKNOWN]) {
      const response = await client.request('PATCH', `/api/users/${target}`, { name: 'x' });
      t.equal(response.statusCode, 403);
      t.match(response.json(), { detail: /users:write/ });
    }
    t.match((await client.request('GET', `/api/users/${other}`)).json(), { name: '' });
  });
});

onEachEngine('disabling a user', async (t, engine) => {
  const { app } = await startService(t, engine);
  const chief = await makeUser(app, 'chief', { admin: true });
  const admin = await signedIn(app, 'chief');

  t.test('ends all their sessions for good', async (t) => {
    const id = await makeUser(app, 'ann');
    const clients = [await signedIn(app, 'ann'), await signedIn(app, 'ann')];
    const keys = clients.map(({ cookie }) => app.sessionCookie.keyIn(cookie) ?? '');
    t.equal((await admin.request('PATCH', `/api/users/${id}`, { active: false })).statusCode, 200);
    for (const key of keys) t.equal(await app.db.sessions.find(key), undefined, 'the row is gone');
    t.equal((await new Client(app).signIn('ann')).statusCode, 401);
    t.equal((await admin.request('PATCH', `/api/users/${id}`, { active: true })).statusCode, 200);
    for (const client of clients) t.equal((await client.request('GET', '/api/sign')).statusCode, 401);
    t.equal((await new Client(app).signIn('ann')).statusCode, 200, 'but they may sign in again');
  });

  t.test('or deleting them is refused for the last administrator', async (t) => {
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

  t.test('does not count a disabled administrator as one who is left', async (t) => {
    await makeUser(app, 'asleep', { admin: true, active: false });
    const response = await admin.request('PATCH', `/api/users/${chief}`, { active: false });
    t.equal(response.statusCode, 409);
  });

  t.test('leaves one of two administrators who disable each other at once', async (t) => {
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
