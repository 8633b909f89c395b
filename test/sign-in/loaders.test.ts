/**
 * Whom a request names when no session does: tokens, and whatever else a service developer adds as a request loader. They
 * come after the session, and leave nothing behind.
 */
import type { Test } from 'tap';
import { makeSecret } from '../../accounts/secrets.ts';
import { stopTheClock } from '../support/clock.ts';
import { onEachEngine, type TestEngine } from '../support/engines.ts';
import { makeLog } from '../support/log.ts';
import {
  Client,
  makeToken,
  makeUser,
  quickHashing,
  signedIn,
  startService,
  whoamiStatus,
} from '../support/service.ts';

onEachEngine('a token', async (t, engine) => {
  const settings = { SESSION_IDLE: 60 };
  const { app } = await startService(t, engine, { hashing: quickHashing, settings });
  const ann = await makeUser(app, 'ann');
  const bob = await makeUser(app, 'bob');
  const token = await makeToken(await signedIn(app, 'bob'));
  const whoami = async (client: Client, headers: Record<string, string>) =>
    (await client.request('GET', '/api/sign', undefined, headers)).json();

  t.test('case 4: the session of A and a token of B: A, and the loader is not asked', async (t) => {
    const client = await signedIn(app, 'ann');
    const asked = t.capture(app.db.tokens, 'find', app.db.tokens.find);
    t.match(await whoami(client, token.headers), { user: { id: ann }, via: 'session' });
    t.equal(asked().length, 0);
    t.match(await whoami(new Client(app), token.headers), { user: { id: bob }, via: 'token' });
    t.equal(asked().length, 1, 'as it is without the session');
  });

  t.test('case 5: an invalid session (forged, expired, ended) and a valid token of B: B', async (t) => {
    const ended = await signedIn(app, 'ann');
    const cookieOfEnded = ended.cookie;
    await ended.request('POST', '/api/sign/out');
    const expired = await signedIn(app, 'ann');
    const passOver = stopTheClock(t);
    passOver(61);
    const forged = `rollcall=${'A'.repeat(43)}.${'A'.repeat(43)}`;
    for (const cookie of [forged, expired.cookie, cookieOfEnded]) {
      const client = new Client(app);
      client.cookie = cookie;
      t.match(await whoami(client, token.headers), { user: { id: bob }, via: 'token', fresh: false });
    }
  });

  t.test('case 6: a token, then none: anonymous; it leaves no session, no row, no cookie', async (t) => {
    const client = new Client(app);
    await whoami(client, token.headers);
    const before = await app.db.sessions.page(bob, '', 100, 0);
    const writes = t.capture(app.db, 'atomically', app.db.atomically);
    const response = await client.request('GET', '/api/sign', undefined, token.headers);
    t.match(response.json(), { user: { id: bob }, via: 'token' });
    t.notOk('session' in response.json());
    t.equal(response.headers['set-cookie'], undefined);
    t.equal(writes().length, 0);
    t.strictSame(await app.db.sessions.page(bob, '', 100, 0), before);
    t.equal(await whoamiStatus(client), 401);
  });

  t.test('case 7: a token invalid, expired, ended, malformed: 401; where it is public, nobody', async (t) => {
    const owner = await signedIn(app, 'bob');
    const ended = await makeToken(owner);
    t.equal((await owner.request('DELETE', `/api/tokens/${ended.id}`)).statusCode, 204);
    const passOver = stopTheClock(t);
    const expired = await makeToken(owner, { expiresIn: 60 });
    passOver(59.999);
    t.equal(await whoamiStatus(new Client(app), expired.headers), 200, 'until it is over');
    passOver(0.001);
    const { secret } = token;
    const sent = [
      `Bearer ${makeSecret('rc_')}`,
      `Bearer ${makeSecret('rcc_')}`,
      `Bearer ${ended.secret}`,
      `Bearer ${expired.secret}`,
      `Bearer ${secret.slice(0, -1)}`,
      `Bearer ${secret}0`,
      `Bearer ${secret.toUpperCase()}`,
      `Bearer ${secret} ${secret}`,
      `Bearer`,
      'Bearer ',
      secret,
      `Basic ${Buffer.from(`bob:${secret}`).toString('base64')}`,
      `rollcall=${secret}`,
      '\u00e9'.repeat(100),
    ];
    for (const authorization of sent) {
      const client = new Client(app);
      const response = await client.request('GET', '/api/users', undefined, { authorization });
      t.equal(response.statusCode, 401, authorization.slice(0, 20));
      t.notMatch(response.payload, secret);
      t.equal((await client.request('GET', '/', undefined, { authorization })).statusCode, 200);
    }
    t.equal(
      await whoamiStatus(new Client(app), { authorization: `bearer  ${secret} ` }),
      200,
      'the right one',
    );
  });
});

/** Starts a service with Ann and Bob, and a loader that recognises whom the header x-user names. */
async function startWithLoader(t: Test, engine: TestEngine) {
  const written = makeLog();
  const { app } = await startService(t, engine, { hashing: quickHashing, log: written.log });
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
  return { app, ann, asked, written };
}

onEachEngine("a loader of one's own", async (t, engine) => {
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

  t.test('may tell what the user holds, for those routes that ask for it', async (t) => {
    app.addRequestLoader('claims', ({ headers }) =>
      headers['x-claims'] === undefined
        ? undefined
        : Promise.resolve({ id: ann, username: 'ann', active: true, permissions: ['users:write'] }),
    );
    const claims = { 'x-claims': 'yes' };
    const asked = await new Client(app).request('GET', '/api/sign', undefined, claims);
    t.match(asked.json(), { via: 'claims', permissions: ['users:write'] });
    const change = await new Client(app).request('POST', '/api/users', { username: 'cem' }, claims);
    t.equal(change.statusCode, 403, 'a change asks anew, and of the database');
  });

  t.test('comes after those that were added before it', async (t) => {
    app.addRequestLoader('everyone', async () => ({ id: ann, username: 'ann', active: true }));
    const first = await new Client(app).request('GET', '/api/sign', undefined, asBob);
    t.match(first.json(), { user: { username: 'bob' }, via: 'header' });
    const second = await new Client(app).request('GET', '/api/sign');
    t.match(second.json(), { user: { username: 'ann' }, via: 'everyone' });
  });
});

onEachEngine('a request loader', async (t, engine) => {
  const { app, written } = await startWithLoader(t, engine);
  const throwing = { 'x-user': 'throw' };

  t.test('case 8: that throws: 500, logged, never signed in; the session of the user stays', async (t) => {
    const client = new Client(app);
    const response = await client.request('GET', '/api/users', undefined, throwing);
    t.equal(response.statusCode, 500);
    t.match(response.headers['content-type'], 'application/problem+json');
    t.notMatch(response.payload, /loader|fell|at \//);
    t.equal(response.headers['set-cookie'], undefined);
    t.equal(await whoamiStatus(client), 401);
    const logged = written.lines.filter((line) => line.includes('the loader fell over'));
    t.match(logged, [response.json().requestId], 'the log has it, once, under the id of the request');

    const ann = await signedIn(app, 'ann');
    t.equal(await whoamiStatus(ann, throwing), 200, 'the session comes first');
    const { cookie } = ann;
    // The cookie can't be read for once, so that the loader is asked in spite of it.
    const unreadable = t.intercept(app.sessionCookie, 'keyIn', { value: () => undefined });
    t.equal(await whoamiStatus(ann, throwing), 500);
    unreadable.restore();
    t.equal(ann.cookie, cookie);
    t.equal(await whoamiStatus(ann), 200);
  });

  t.test('that gives what it should not: an error of the request, wherever it comes in line', async (t) => {
    const client = await signedIn(app, 'ann');
    const { cookie } = client;
    await client.request('POST', '/api/sign/out');
    const dead = { cookie };
    const slow = { 'x-user': 'nobody' };
    const fall = () => {
      throw new Error('it can not be read');
    };
    const mistakes = {
      'no promise, but what falls over when it is taken for one': new Proxy({}, { get: fall }),
      'a user whose name falls over': Promise.resolve(
        Object.defineProperty({ id: 'x', active: true }, 'username', { get: fall }),
      ),
      'a number': 1,
    };
    // What it gives so has no type that the compiler would hold against it.
    app.addRequestLoader('mistaken', ({ headers }) =>
      Reflect.get(Object(mistakes), String(headers['x-mistake'])),
    );
    for (const mistake of Object.keys(mistakes)) {
      for (const others of [{}, dead, slow, { ...dead, ...slow }]) {
        const headers = { 'x-mistake': mistake, ...others };
        const status = await whoamiStatus(new Client(app), headers);
        t.equal(status, mistake === 'a number' ? 401 : 500, `${mistake}, ${Object.keys(headers)}`);
      }
    }
  });
});
