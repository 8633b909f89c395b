/** Request loaders authenticate a request that has no valid session, and create none: those that a team adds. */
import type { Test } from 'tap';
import { onEachEngine, type TestEngine } from '../../support/engines.ts';
import { makeLog } from '../../support/log.ts';
import { hasTokens } from '../../support/optional.ts';
import {
  Client,
  makeUser,
  quickHashing,
  signedIn,
  startService,
  whoamiStatus,
} from '../../support/service.ts';

/** Starts a service with the users ann and bob, and a loader that authenticates the user in the header x-user. */
async function startWithLoader(t: Test, engine: TestEngine) {
  const captured = makeLog();
  const { app } = await startService(t, engine, { hashing: quickHashing, log: captured.log });
  const ann = await makeUser(app, 'ann');
  await makeUser(app, 'bob');
  const calls: string[] = [];
  // The loader is not async, so it throws synchronously.
  app.addRequestLoader('header', ({ url, headers }) => {
    calls.push(url);
    if (headers['x-user'] === 'throw') throw new Error('the loader fell over: secret-of-the-loader');
    const name = headers['x-user'];
    return typeof name === 'string' ? app.db.users.findCredentials(name) : undefined;
  });
  return { app, ann, calls, captured };
}

onEachEngine('An added request loader authenticates a request without a session', async (t, engine) => {
  const { app, ann, calls } = await startWithLoader(t, engine);
  const asBob = { 'x-user': 'bob' };

  t.test('A request loader authenticates a user when there is no session', async (t) => {
    const response = await new Client(app).request('GET', '/api/sign', undefined, asBob);
    t.equal(response.statusCode, 200);
    t.match(response.json(), { user: { username: 'bob' }, via: 'header', fresh: false });
  });

  t.test('A request loader is not called when the session is valid', async (t) => {
    const client = await signedIn(app, 'ann');
    calls.length = 0;
    const response = await client.request('GET', '/api/sign', undefined, asBob);
    t.match(response.json(), { user: { id: ann }, via: 'session' });
    t.strictSame(calls, []);
  });

  t.test('A request loader is called when the session is forged or ended', async (t) => {
    const client = await signedIn(app, 'ann');
    const { cookie } = client;
    await client.request('POST', '/api/sign/out');
    for (const dead of [cookie, 'rollcall=forged']) {
      client.cookie = dead;
      const response = await client.request('GET', '/api/sign', undefined, asBob);
      t.match(response.json(), { user: { username: 'bob' }, via: 'header' });
    }
  });

  t.test('A request loader is not called on public routes', async (t) => {
    calls.length = 0;
    await new Client(app).request('GET', '/', undefined, asBob);
    await new Client(app).request('GET', '/nowhere', undefined, asBob);
    await new Client(app).request('OPTIONS', '/api/users', undefined, asBob);
    t.strictSame(calls, []);
  });

  t.test(
    'A request loader may supply permissions for reads, and writes read them from the database',
    async (t) => {
      app.addRequestLoader('claims', ({ headers }) =>
        headers['x-claims'] === undefined
          ? undefined
          : Promise.resolve({ id: ann, username: 'ann', active: true, permissions: ['users:write'] }),
      );
      const claims = { 'x-claims': 'yes' };
      const whoami = await new Client(app).request('GET', '/api/sign', undefined, claims);
      t.match(whoami.json(), { via: 'claims', permissions: ['users:write'] });
      const change = await new Client(app).request('POST', '/api/users', { username: 'cem' }, claims);
      t.equal(change.statusCode, 403, 'a write reads the permissions from the database');
    },
  );

  t.test('A loader of bearer tokens says what is wrong with one, and no two have one name', async (t) => {
    const { headers: before } = await new Client(app).request('GET', '/api/users');
    const bearer = { description: 'A ticket.', refusal: 'The ticket is torn.' };
    app.addRequestLoader('ticket', () => undefined, { bearer });
    const sent = { authorization: 'Bearer torn' };
    const refused = await new Client(app).request('GET', '/api/users', undefined, sent);
    t.match(refused.json(), { status: 401, type: 'urn:rollcall:problem:invalid-token' });
    t.match(refused.json().detail, /The ticket is torn\.$/);
    t.match(refused.headers['www-authenticate'], /^Bearer realm="rollcall", error="invalid_token", Cookie /);
    t.match(before['www-authenticate'], hasTokens ? /^Bearer / : /^Cookie /);
    for (const name of ['ticket', 'session'])
      t.throws(() => app.addRequestLoader(name, () => undefined), { message: /of the name \w+ already/ });
  });

  t.test('Request loaders are called in the order in which they were added', async (t) => {
    app.addRequestLoader('everyone', async () => ({ id: ann, username: 'ann', active: true }));
    const first = await new Client(app).request('GET', '/api/sign', undefined, asBob);
    t.match(first.json(), { user: { username: 'bob' }, via: 'header' });
    const second = await new Client(app).request('GET', '/api/sign');
    t.match(second.json(), { user: { username: 'ann' }, via: 'everyone' });
  });
});

onEachEngine('A faulty request loader never signs anyone in', async (t, engine) => {
  const { app, captured } = await startWithLoader(t, engine);
  const throwing = { 'x-user': 'throw' };

  t.test('A loader that throws answers 500 and is logged, and the session stays (case 8)', async (t) => {
    const client = new Client(app);
    const response = await client.request('GET', '/api/users', undefined, throwing);
    t.equal(response.statusCode, 500);
    t.match(response.headers['content-type'], 'application/problem+json');
    t.notMatch(response.payload, /loader|fell|at \//);
    t.equal(response.headers['set-cookie'], undefined);
    t.equal(await whoamiStatus(client), 401);
    const logged = captured.lines.filter((line) => line.includes('the loader fell over'));
    t.match(logged, [response.json().requestId], 'the error is logged once with the request id');

    const ann = await signedIn(app, 'ann');
    t.equal(await whoamiStatus(ann, throwing), 200, 'the session takes precedence');
    const { cookie } = ann;
    // The cookie is unreadable for one request, so the loader is called.
    const unreadable = t.intercept(app.sessionCookie, 'find', { value: () => undefined });
    t.equal(await whoamiStatus(ann, throwing), 500);
    unreadable.restore();
    t.equal(ann.cookie, cookie);
    t.equal(await whoamiStatus(ann), 200);
  });

  t.test('A loader that returns an invalid value makes the request fail, in any combination', async (t) => {
    const client = await signedIn(app, 'ann');
    const { cookie } = client;
    await client.request('POST', '/api/sign/out');
    const dead = { cookie };
    const slow = { 'x-user': 'unknown' };
    const fail = () => {
      throw new Error('unreadable');
    };
    const invalidValues = {
      'an object that throws when it is awaited': new Proxy({}, { get: fail }),
      'a user whose username throws': Promise.resolve(
        Object.defineProperty({ id: 'x', active: true }, 'username', { get: fail }),
      ),
      'a number': 1,
    };
    // Reflect.get returns any, so the compiler accepts the invalid value.
    app.addRequestLoader('invalid', ({ headers }) =>
      Reflect.get(Object(invalidValues), String(headers['x-value'])),
    );
    for (const value of Object.keys(invalidValues)) {
      for (const others of [{}, dead, slow, { ...dead, ...slow }]) {
        const headers = { 'x-value': value, ...others };
        const status = await whoamiStatus(new Client(app), headers);
        t.equal(status, value === 'a number' ? 401 : 500, `${value}, ${Object.keys(headers)}`);
      }
    }
  });
});
