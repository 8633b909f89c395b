/** Signing in: who is authenticated, who is not, and what the response must not reveal. */
import { randomUUIDv7 } from 'node:crypto';
import { makeHashing } from '../../../accounts/passwords/hashing.ts';
import { keyOf } from '../../../accounts/secrets.ts';
import { stopTheClock } from '../../support/clock.ts';
import { onEachEngine } from '../../support/engines.ts';
import {
  Client,
  makeUser,
  PASSWORD,
  quickHashing,
  signedIn,
  startService,
  whoamiStatus,
} from '../../support/service.ts';

/** Real hashing that counts verifications and runs a callback after each. */
async function observedHashing() {
  const real = await makeHashing();
  const watch = { checks: 0, afterCheck: async () => {} };
  return {
    watch,
    hash: real.hash,
    async verify(hashed: string | null | undefined, password: string) {
      watch.checks++;
      const right = await real.verify(hashed, password);
      await watch.afterCheck();
      return right;
    },
  };
}

onEachEngine('Signing in starts a new session', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  const id = await makeUser(app, 'ann');

  t.test('Sign-in with the right password returns the user, the session and a cookie', async (t) => {
    const client = new Client(app);
    const response = await client.signIn('ann');
    t.equal(response.statusCode, 200);
    t.equal(response.headers['cache-control'], 'no-store');
    const { user, session } = response.json();
    t.strictSame(Object.keys(user).sort(), [
      'active',
      'createdAt',
      'email',
      'id',
      'lastSignInAt',
      'name',
      'pendingEmail',
      'updatedAt',
      'username',
    ]);
    t.match(user, { id, username: 'ann', name: '', email: 'ann@example.org', active: true });
    t.equal(user.lastSignInAt, session.createdAt, 'lastSignInAt is the time of the sign-in');
    t.notMatch(client.cookie ?? '', session.id, 'the cookie does not contain the public session id');

    const whoami = await client.request('GET', '/api/sign');
    t.equal(whoami.statusCode, 200);
    t.equal(whoami.headers['cache-control'], 'no-store');
    t.strictSame(whoami.json(), { user, session, via: 'session', fresh: true, permissions: [] });
  });

  t.test('Signing in again replaces the session by a new, fresh one (case 12)', async (t) => {
    const client = await signedIn(app, 'ann');
    const { cookie } = client;
    const before = (await client.request('GET', '/api/sign')).json();
    const advance = stopTheClock(t);
    advance(1000);
    const response = await client.signIn('ann');
    t.equal(response.statusCode, 200);
    t.not(client.cookie, cookie);
    const { user, session } = response.json();
    t.not(session.id, before.session.id);
    t.equal(user.lastSignInAt, new Date().toISOString(), 'lastSignInAt is updated');
    t.equal(before.fresh && (await client.request('GET', '/api/sign')).json().fresh, true);
    client.cookie = cookie;
    t.equal(await whoamiStatus(client), 401, 'the previous session has ended');
  });

  t.test('Sign-in does not adopt a session id from the request', async (t) => {
    const planted = app.sessionCookie.makeSecret();
    const client = new Client(app);
    client.cookie = `${app.sessionCookie.name}=${app.sessionCookie.sign(planted)}`;
    t.equal((await client.signIn('ann')).statusCode, 200);
    const key = keyOf(planted);
    t.not(app.sessionCookie.find(client.cookie)?.key, key);
    t.equal(await app.db.sessions.find(key), undefined);
  });

  t.test("Sign-in keeps the user's sessions in other browsers", async (t) => {
    const one = await signedIn(app, 'ann');
    await signedIn(app, 'ann');
    t.equal((await one.request('GET', '/api/sign')).statusCode, 200);
  });

  t.test('Sign-in with a wrong password keeps the current session', async (t) => {
    const client = await signedIn(app, 'ann');
    const response = await client.signIn('ann', 'not her password');
    t.equal(response.statusCode, 401);
    t.equal(response.headers['set-cookie'], undefined);
    t.equal((await client.request('GET', '/api/sign')).statusCode, 200);
  });

  t.test('Sign-in as another user ends the previous session', async (t) => {
    await makeUser(app, 'bob');
    const client = await signedIn(app, 'ann');
    const before = client.cookie;
    t.equal((await client.signIn('bob')).statusCode, 200);
    t.match((await client.request('GET', '/api/sign')).json(), { user: { username: 'bob' } });
    client.cookie = before;
    t.equal((await client.request('GET', '/api/sign')).statusCode, 401);
  });
});

/** The transactions of the first failed attempt: its counts by name and network, by network and by name, and the audit entry. */
const WRITES = 4;
const PENDING = 'doe@example.org';

onEachEngine('A failed sign-in does not reveal whether the user exists', async (t, engine) => {
  const { watch, ...hashing } = await observedHashing();
  const { app } = await startService(t, engine, { hashing });
  await makeUser(app, 'ann');
  await makeUser(app, 'gone', { active: false });
  const doe = { id: randomUUIDv7(), username: 'doe', name: '', email: null, pendingEmail: PENDING };
  const passwordHash = await app.passwords.hash(PASSWORD);
  await app.db.atomically([app.db.users.add({ ...doe, active: true, passwordHash }, Date.now())]);
  const bare = { id: randomUUIDv7(), username: 'bare', name: '', email: null, active: true };
  await app.db.atomically([app.db.users.add({ ...bare, passwordHash: null }, Date.now())]);

  const attempts = [
    { of: 'a user with a wrong password', username: 'ann', password: 'wrong' },
    { of: 'a known e-mail address with a wrong password', username: 'ann@example.org', password: 'wrong' },
    { of: 'an unknown user', username: 'unknown', password: PASSWORD },
    { of: 'an unknown e-mail address', username: 'unknown@example.org', password: PASSWORD },
    { of: 'an invalid username', username: 'un known', password: PASSWORD },
    { of: 'a disabled user with the right password', username: 'gone', password: PASSWORD },
    { of: 'a user who has no password', username: 'bare', password: PASSWORD },
    { of: 'a pending e-mail address with the right password', username: PENDING, password: PASSWORD },
  ];
  t.test('Every failed sign-in has the same status, body and number of hashes (case 13)', async (t) => {
    for (const { of, username, password } of attempts) {
      watch.checks = 0;
      const writes = t.capture(app.db, 'atomically', app.db.atomically);
      const response = await new Client(app).signIn(username, password);
      t.equal(response.statusCode, 401, of);
      const { requestId, ...body } = response.json();
      t.ok(requestId);
      t.strictSame(body, {
        type: 'urn:rollcall:problem:wrong-credentials',
        title: 'Unauthorized',
        status: 401,
        detail: 'The username or the password is wrong.',
      });
      t.equal(watch.checks, 1, 'one password is verified');
      t.equal(writes().length, WRITES, 'the attempt is counted and recorded');
      t.equal(response.headers['set-cookie'], undefined);
    }
  });

  const races = [
    { what: 'disabled', payload: { active: false }, method: 'PATCH' },
    { what: 'deleted', payload: undefined, method: 'DELETE' },
  ];
  for (const { what, payload, method } of races) {
    t.test(
      `Sign-in creates no session when the user is ${what} while the password is verified`,
      async (t) => {
        await makeUser(app, `chief-${what}`, { admin: true });
        const admin = await signedIn(app, `chief-${what}`);
        const id = await makeUser(app, what);
        watch.afterCheck = async () => {
          watch.afterCheck = async () => {};
          t.match((await admin.request(method, `/api/users/${id}`, payload)).statusCode, /^20[04]$/);
        };
        const client = new Client(app);
        const response = await client.signIn(what);
        t.equal(response.statusCode, 401);
        t.match(response.json(), { detail: 'The username or the password is wrong.' });
        t.equal(response.headers['set-cookie'], undefined, 'no cookie is set');
        t.equal((await client.request('GET', '/api/sign')).statusCode, 401);
        t.strictSame(await app.db.sessions.page(id, '', 10, Date.now()), [], 'no row is written');
        const user = await app.db.users.find(id);
        t.notOk(user?.lastSignInAt, 'lastSignInAt is not set');
      },
    );
  }
});

onEachEngine('Usernames at sign-in are compared in normalized form', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  const ann = await makeUser(app, 'Ann');
  const zoe = await makeUser(app, 'Zoë-Ελένη');

  t.test('Sign-in ignores case and letter width in usernames and e-mail addresses (case 19)', async (t) => {
    for (const name of ['Ann', 'ann', 'ANN', 'Ａｎｎ', 'ann@example.org', 'ANN@Example.ORG']) {
      const response = await new Client(app).signIn(name);
      t.equal(response.statusCode, 200, name);
      t.match(response.json(), { user: { id: ann, username: 'Ann' } });
    }
    // Composed and decomposed accents match, and the username is shown as it was stored.
    for (const name of ['Zoë-Ελένη', 'ZOE\u0308-ΕΛΕ\u0301ΝΗ']) {
      const response = await new Client(app).signIn(name);
      t.equal(response.statusCode, 200, name);
      t.match(response.json(), { user: { id: zoe, username: 'Zoë-Ελένη' } });
    }
    for (const name of ['Änn', 'Zoe-Ελένη', ' Ann', 'Ann ', 'Ann%']) {
      t.equal((await new Client(app).signIn(name)).statusCode, 401, `"${name}" matches no user`);
    }
  });
});

onEachEngine('Passwords work exactly as typed', async (t, engine) => {
  const { app } = await startService(t, engine);
  await makeUser(app, 'chief', { admin: true });
  const admin = await signedIn(app, 'chief');

  const cases = [
    { of: 'inner and outer spaces', password: '  two  spaces  ', others: ['two  spaces', '  two spaces  '] },
    { of: 'tabs and line breaks', password: '\tline\r\nline\n', others: ['\tline\nline\n', 'line\r\nline'] },
    { of: 'composed accents', password: 'caf\u00e9 caf\u00e9', others: ['cafe\u0301 cafe\u0301'] },
    { of: 'scripts and emoji', password: '密码 пароль 🦊🦊', others: ['密码 пароль 🦊', '密码 ПАРОЛЬ 🦊🦊'] },
    { of: '128 letters', password: 'x'.repeat(127).concat('y'), others: ['x'.repeat(128), 'x'.repeat(127)] },
    { of: '128 characters outside the basic plane', password: '🦊'.repeat(128), others: ['🦊'.repeat(127)] },
  ];
  t.test('A password with spaces, Unicode or 128 characters works exactly as typed (case 14)', async (t) => {
    for (const [index, { of, password, others }] of cases.entries()) {
      const username = `user-${index}`;
      const made = await admin.request('POST', '/api/users', { username, password });
      t.equal(made.statusCode, 201, of);
      t.equal((await new Client(app).signIn(username, password)).statusCode, 200);
      for (const other of others) t.equal((await new Client(app).signIn(username, other)).statusCode, 401);
    }
  });
});
