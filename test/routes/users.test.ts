/** Reading, creating and deleting users. */
import { onEachEngine } from '../support/engines.ts';
import { Client, makeUser, PASSWORD, quickHashing, signedIn, startService } from '../support/service.ts';

const UNKNOWN = '01900000-0000-7000-8000-000000000000';

onEachEngine('Users are readable', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  const ids: string[] = [];
  for (let n = 1; n <= 7; n++) ids.push(await makeUser(app, `user-${n}`));
  const client = await signedIn(app, 'user-1');

  t.test('GET user returns the user with an ETag and no secret fields', async (t) => {
    const response = await client.request('GET', `/api/users/${ids[1]}`);
    t.equal(response.statusCode, 200);
    t.equal(response.headers.etag, '"1"');
    t.equal(response.headers['cache-control'], 'no-store');
    const { createdAt, ...user } = response.json();
    t.match(createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    t.strictSame(user, {
      id: ids[1],
      username: 'user-2',
      name: '',
      active: true,
      updatedAt: createdAt,
    });
  });

  t.test('GET user answers 404 for an unknown id', async (t) => {
    const response = await client.request('GET', `/api/users/${UNKNOWN}`);
    t.equal(response.statusCode, 404);
    t.match(response.json(), { status: 404, detail: 'There is no user with this id.' });
  });

  t.test('GET users returns one page when all users fit', async (t) => {
    const response = await client.request('GET', '/api/users');
    t.equal(response.statusCode, 200);
    t.equal(response.headers.link, undefined);
    t.equal(response.headers['cache-control'], 'no-store');
    const { items, next } = response.json();
    t.strictSame(
      items.map(({ id }: { id: string }) => id),
      ids,
      'in the order of creation',
    );
    t.equal(next, null);
    t.notMatch(response.payload, /quick|battery|password|key/i);
  });

  for (const limit of [1, 2, 3, 6, 7, 8]) {
    t.test(`GET users in pages of ${limit} lists each user once`, async (t) => {
      const seen: string[] = [];
      const sizes: number[] = [];
      let url: string | undefined = `/api/users?limit=${limit}`;
      while (url && sizes.length < 10) {
        const response = await client.request('GET', url);
        const { items, next } = response.json();
        sizes.push(items.length);
        for (const { id } of items) seen.push(id);
        const link = String(response.headers.link ?? '').match(/^<(.+)>; rel="next"$/)?.[1];
        t.equal(link, next === null ? undefined : `/api/users?limit=${limit}&after=${next}`);
        url = link;
      }
      t.strictSame(seen, ids);
      t.equal(sizes.length, Math.ceil(ids.length / limit), 'no page is empty');
    });
  }

  t.test('GET users after the last user returns an empty page', async (t) => {
    const response = await client.request('GET', `/api/users?after=${ids.at(-1)}`);
    t.strictSame(response.json(), { items: [], next: null });
    t.equal(response.headers.link, undefined);
  });

  t.test('The link to the next page keeps the other query parameters', async (t) => {
    app.addRequestLoader('any', () => undefined, { parameters: ['a'] });
    const response = await client.request('GET', '/api/users?a=%26%20b&limit=2');
    t.match(response.headers.link, `/api/users?a=%26+b&limit=2&after=${ids[1]}`);
  });

  t.test('HEAD user answers with headers only', async (t) => {
    const response = await client.request('HEAD', `/api/users/${ids[1]}`);
    t.equal(response.statusCode, 200);
    t.equal(response.headers.etag, '"1"');
    t.equal(response.payload, '');
  });
});

onEachEngine('Users are created and deleted', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  await makeUser(app, 'ann');
  const admin = await signedIn(app, 'chief');
  const ann = await signedIn(app, 'ann');

  t.test('POST user answers with its location and fills in defaults', async (t) => {
    const response = await admin.request('POST', '/api/users', { username: 'New', password: PASSWORD });
    t.equal(response.statusCode, 201);
    const { id, createdAt, passwordSetBy, ...user } = response.json();
    t.match(passwordSetBy, { by: 'user', at: createdAt });
    t.equal(response.headers.location, `/api/users/${id}`);
    t.equal(response.headers.etag, '"1"');
    t.strictSame(user, {
      username: 'New',
      name: '',
      email: null,
      pendingEmail: null,
      active: true,
      updatedAt: createdAt,
      lastSignInAt: null,
    });
    const read = await admin.request('GET', `/api/users/${id}`);
    t.strictSame(read.json(), response.json());
    t.equal((await new Client(app).signIn('new')).statusCode, 200);
  });

  t.test('POST user stores every field unchanged', async (t) => {
    const fields = { username: 'Ünï-卡', name: ' Ünï  卡🦊 ', email: 'Üni@Exämple.org', active: false };
    const response = await admin.request('POST', '/api/users', { ...fields, password: PASSWORD });
    t.equal(response.statusCode, 201);
    t.match(response.json(), fields);
    t.equal(
      (await new Client(app).signIn(fields.username)).statusCode,
      401,
      'a disabled user cannot sign in',
    );
  });

  const taken = [
    { what: 'username', field: { username: 'ann' } },
    { what: 'username in capitals', field: { username: 'ANN' } },
    { what: 'username in full-width letters', field: { username: 'Ａｎｎ' } },
    { what: 'email', field: { username: 'other', email: 'ann@example.org' } },
    { what: 'email in capitals', field: { username: 'other', email: 'ANN@EXAMPLE.ORG' } },
    { what: 'email in full-width letters', field: { username: 'other', email: 'ａnn@example.org' } },
  ];
  for (const { what, field } of taken) {
    t.test(`POST user answers 409 and names the field when the ${what} is taken`, async (t) => {
      const response = await admin.request('POST', '/api/users', { password: PASSWORD, ...field });
      t.equal(response.statusCode, 409);
      t.match(response.json(), {
        type: 'urn:rollcall:problem:duplicate',
        errors: [{ in: 'body', pointer: what.startsWith('email') ? '/email' : '/username' }],
      });
      t.notMatch(response.payload, /users_|SQL|constraint/i);
    });
  }

  t.test('POST and PATCH user name both fields when username and e-mail address are taken', async (t) => {
    const { id } = (
      await admin.request('POST', '/api/users', { username: 'free', password: PASSWORD })
    ).json();
    for (const email of ['BEA@example.org', 'ann@example.org']) {
      if (email.startsWith('BEA')) await makeUser(app, 'bea');
      const both = { username: 'ANN', email };
      for (const response of [
        await admin.request('POST', '/api/users', { password: PASSWORD, ...both }),
        await admin.request('PATCH', `/api/users/${id}`, both),
      ]) {
        t.match(response.json(), { status: 409, type: 'urn:rollcall:problem:duplicate' });
        t.strictSame(response.json().errors, [
          { in: 'body', pointer: '/username', code: 'taken', detail: 'is taken' },
          { in: 'body', pointer: '/email', code: 'taken', detail: 'is taken' },
        ]);
      }
    }
    const own = await admin.request('PATCH', `/api/users/${id}`, {
      username: 'FREE',
      email: 'ann@example.org',
    });
    t.strictSame(
      own.json().errors.map(({ pointer }: { pointer: string }) => pointer),
      ['/email'],
      "one's own name is not taken",
    );
  });

  t.test('Several users may have no e-mail address', async (t) => {
    for (const username of ['none-1', 'none-2']) {
      const payload = { username, email: null, password: PASSWORD };
      t.equal((await admin.request('POST', '/api/users', payload)).statusCode, 201);
    }
  });

  t.test('Concurrent POST user with one name creates one user', async (t) => {
    const names = ['twin', 'TWIN', 'Ｔｗｉｎ', 'tWin'];
    const responses = await Promise.all(
      names.map((username) => admin.request('POST', '/api/users', { username, password: PASSWORD })),
    );
    t.strictSame(responses.map(({ statusCode }) => statusCode).sort(), [201, 409, 409, 409]);
  });

  t.test('Creating and deleting users without users:write answers 403 and changes nothing', async (t) => {
    const made = await ann.request('POST', '/api/users', { username: 'mine', password: PASSWORD });
    t.equal(made.statusCode, 403);
    t.match(made.json(), { status: 403, detail: /users:write/ });
    t.equal((await new Client(app).signIn('mine')).statusCode, 401);
    const id = await makeUser(app, 'victim');
    t.equal((await ann.request('DELETE', `/api/users/${id}`)).statusCode, 403);
    t.equal((await ann.request('GET', `/api/users/${id}`)).statusCode, 200);
  });

  t.test('A user without users:write cannot delete their own account', async (t) => {
    const id = await makeUser(app, 'tired');
    const client = await signedIn(app, 'tired');
    t.equal((await client.request('DELETE', `/api/users/${id}`)).statusCode, 403);
  });

  t.test('DELETE user removes the user with their sessions and memberships', async (t) => {
    const id = await makeUser(app, 'leaving', { admin: true });
    const client = await signedIn(app, 'leaving');
    const response = await admin.request('DELETE', `/api/users/${id}`);
    t.equal(response.statusCode, 204);
    t.equal(response.payload, '');
    t.equal((await client.request('GET', '/api/sign')).statusCode, 401);
    t.equal((await admin.request('GET', `/api/users/${id}`)).statusCode, 404);
    t.equal(
      (await admin.request('DELETE', `/api/users/${id}`)).statusCode,
      404,
      'a second DELETE answers 404',
    );
    t.equal((await new Client(app).signIn('leaving')).statusCode, 401);
    const group = await app.db.groups.findByName('admins');
    t.equal(await app.db.memberships.role(group?.id ?? '', id), undefined);
    t.equal(await makeUser(app, 'leaving').then(() => 'free'), 'free', 'the name is free again');
  });

  t.test('DELETE user with a stale If-Match answers 412', async (t) => {
    const id = await makeUser(app, 'moving');
    const wrong = await admin.request('DELETE', `/api/users/${id}`, undefined, { 'if-match': '"2"' });
    t.equal(wrong.statusCode, 412);
    const right = await admin.request('DELETE', `/api/users/${id}`, undefined, { 'if-match': '"1"' });
    t.equal(right.statusCode, 204);
  });
});
