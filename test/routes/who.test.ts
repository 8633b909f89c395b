/** Who is calling: the session's user first, else whom a request loader recognises, else nobody. */
import type { Test } from 'tap';
import { onEachEngine, type TestEngine } from '../support/engines.ts';
import { Client, makeUser, signedIn, startService } from '../support/service.ts';

onEachEngine('a caller without credentials', async (t, engine) => {
  const { app } = await startService(t, engine);
  const id = await makeUser(app, 'ann');

  const guarded = ['/api/sign', '/api/users', `/api/users/${id}`, '/api/groups', `/api/groups/${id}/members`];
  for (const url of guarded) {
    t.test(`gets 401 as a problem from ${url}`, async (t) => {
      const response = await new Client(app).request('GET', url);
      t.equal(response.statusCode, 401);
      t.match(response.headers['content-type'], 'application/problem+json');
      t.equal(response.headers['cache-control'], 'no-store');
      t.match(response.json(), { status: 401, title: 'Unauthorized', detail: /sign\/in/, requestId: /./ });
      t.equal(response.headers['set-cookie'], undefined);
    });
  }

  t.test('gets it before the body is looked at', async (t) => {
    const headers = { 'content-type': 'application/json' };
    const response = await new Client(app).request('POST', '/api/users', '{"broken', headers);
    t.equal(response.statusCode, 401);
  });

  t.test('gets what is public', async (t) => {
    t.equal((await new Client(app).request('GET', '/')).statusCode, 200);
  });
});

onEachEngine('the user of a request', async (t, engine) => {
  const { app } = await startService(t, engine);
  await makeUser(app, 'ann');

  t.test('is looked up once, and not at all where nobody is needed', async (t) => {
    const client = await signedIn(app, 'ann');
    const lookups = t.capture(app.sessions, 'find', app.sessions.find);
    for (const url of ['/api/sign', '/api/users', '/api/groups']) {
      t.equal((await client.request('GET', url)).statusCode, 200);
      t.equal(lookups().length, 1, `one look-up for ${url}`);
    }
    for (const url of ['/', '/nowhere', '/api/nowhere']) {
      await client.request('GET', url);
      t.equal(lookups().length, 0, `none for ${url}`);
    }
    await client.request('OPTIONS', '/api/users');
    t.equal(lookups().length, 0, 'none for OPTIONS');
  });
});

onEachEngine('the back door for trying things out', async (t, engine) => {
  const { app } = await startService(t, engine, { settings: { AUTH_HACK_USER: 'ann' } });
  const ann = await makeUser(app, 'ann', { admin: true });
  await makeUser(app, 'bob');

  t.test('stands for the user that the setting names, without a trace', async (t) => {
    const writes = t.capture(app.db, 'atomically', app.db.atomically);
    const client = new Client(app);
    const response = await client.request('GET', '/api/sign?hack=1');
    t.equal(response.statusCode, 200);
    t.equal(response.headers['set-cookie'], undefined);
    t.match(response.json(), { user: { id: ann }, via: 'hack', fresh: false, permissions: ['*'] });
    t.notOk('session' in response.json(), 'there is no session');
    t.equal(writes().length, 0);
    t.equal((await client.request('GET', '/api/sign')).statusCode, 401, 'the next request is nobody again');
  });

  for (const query of [
    '',
    '?hack',
    '?hack=',
    '?hack=0',
    '?hack=2',
    '?hack=true',
    '?hack=1&hack=1',
    '?Hack=1',
  ]) {
    t.test(`is shut for "${query}"`, async (t) => {
      t.equal((await new Client(app).request('GET', `/api/sign${query}`)).statusCode, 401);
    });
  }

  t.test('yields to a session', async (t) => {
    const client = await signedIn(app, 'bob');
    const response = await client.request('GET', '/api/sign?hack=1');
    t.match(response.json(), { user: { username: 'bob' }, via: 'session' });
  });

  t.test('is not there without the setting', async (t) => {
    const plain = await startService(t, engine);
    await makeUser(plain.app, 'ann');
    t.equal((await new Client(plain.app).request('GET', '/api/sign?hack=1')).statusCode, 401);
  });

  t.test('lets in neither a disabled user nor one that is not there', async (t) => {
    const gone = await startService(t, engine, { settings: { AUTH_HACK_USER: 'gone' } });
    t.equal((await new Client(gone.app).request('GET', '/api/sign?hack=1')).statusCode, 401);
    await makeUser(gone.app, 'gone', { active: false });
    t.equal((await new Client(gone.app).request('GET', '/api/sign?hack=1')).statusCode, 401);
  });
});

/** Starts a service with Ann and Bob, and a loader that recognises whom the header x-user names. */
async function startWithLoader(t: Test, engine: TestEngine) {
  const { app } = await startService(t, engine);
  const ann = await makeUser(app, 'ann');
  await makeUser(app, 'bob');
  const asked: string[] = [];
  // Not async, so that what it throws is thrown before there is a promise.
  app.addRequestLoader('header', ({ url, headers }) => {
    asked.push(url);
    if (headers['x-user'] === 'throw') throw new Error('the loader fell over: secret-of-the-loader');
    const name = headers['x-user'];
    return typeof name === 'string' ? app.db.users.findCredentials(name) : undefined;
  });
  return { app, ann, asked };
}

onEachEngine('a request loader', async (t, engine) => {
  const { app, ann, asked } = await startWithLoader(t, engine);
  const asBob = { 'x-user': 'bob' };

  t.test('recognises a user when there is no session', async (t) => {
    const response = await new Client(app).request('GET', '/api/sign', undefined, asBob);
    t.equal(response.statusCode, 200);
    t.match(response.json(), { user: { username: 'bob' }, via: 'header', fresh: false });
  });

  t.test('is not asked when the session names a user', async (t) => {
    const client = await signedIn(app, 'ann');
    asked.length = 0;
    const response = await client.request('GET', '/api/sign', undefined, asBob);
    t.match(response.json(), { user: { id: ann }, via: 'session' });
    t.strictSame(asked, []);
  });

  t.test('is asked when the session is forged or over', async (t) => {
    const client = await signedIn(app, 'ann');
    const { cookie } = client;
    await client.request('POST', '/api/sign/out');
    for (const dead of [cookie, 'rollcall=forged']) {
      client.cookie = dead;
      const response = await client.request('GET', '/api/sign', undefined, asBob);
      t.match(response.json(), { user: { username: 'bob' }, via: 'header' });
    }
  });

  t.test('is not asked where nobody is needed', async (t) => {
    asked.length = 0;
    await new Client(app).request('GET', '/', undefined, asBob);
    await new Client(app).request('GET', '/nowhere', undefined, asBob);
    await new Client(app).request('OPTIONS', '/api/users', undefined, asBob);
    t.strictSame(asked, []);
  });

  t.test('comes after those that were added before it', async (t) => {
    app.addRequestLoader('everyone', async () => ({ id: ann, username: 'ann', active: true }));
    const first = await new Client(app).request('GET', '/api/sign', undefined, asBob);
    t.match(first.json(), { user: { username: 'bob' }, via: 'header' });
    const second = await new Client(app).request('GET', '/api/sign');
    t.match(second.json(), { user: { username: 'ann' }, via: 'everyone' });
  });
});

onEachEngine('a request loader that throws', async (t, engine) => {
  const { app } = await startWithLoader(t, engine);
  const throwing = { 'x-user': 'throw' };

  t.test('gives 500, tells nothing of why, and signs nobody in', async (t) => {
    const client = new Client(app);
    const response = await client.request('GET', '/api/users', undefined, throwing);
    t.equal(response.statusCode, 500);
    t.match(response.headers['content-type'], 'application/problem+json');
    t.notMatch(response.payload, /loader|fell|at \//);
    t.equal(response.headers['set-cookie'], undefined);
    t.equal((await client.request('GET', '/api/users')).statusCode, 401);
  });

  t.test('costs nobody their session', async (t) => {
    const client = await signedIn(app, 'ann');
    t.equal((await client.request('GET', '/api/sign', undefined, throwing)).statusCode, 200);
    const { cookie } = client;
    // The cookie can't be read for once, so that the loader is asked in spite of it.
    const unreadable = t.intercept(app.sessionCookie, 'read', { value: () => undefined });
    t.equal((await client.request('GET', '/api/sign', undefined, throwing)).statusCode, 500);
    unreadable.restore();
    t.equal(client.cookie, cookie);
    t.equal((await client.request('GET', '/api/sign')).statusCode, 200);
  });
});
