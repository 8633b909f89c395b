/** Signing in is the door of the service: whom it lets in, whom it does not, and what it must not tell about either. */
import { randomUUIDv7 } from 'node:crypto';
import { makeHashing } from '../../accounts/passwords/hashing.ts';
import { keyOf } from '../../accounts/secrets.ts';
import { stopTheClock } from '../support/clock.ts';
import { onEachEngine } from '../support/engines.ts';
import { Client, makeUser, PASSWORD, signedIn, startService, whoamiStatus } from '../support/service.ts';

/** Real hashing that counts the checks, and can do something just when a check is over. */
async function watchedPasswords() {
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

onEachEngine('signing in', async (t, engine) => {
  const { app } = await startService(t, engine);
  const id = await makeUser(app, 'ann');

  t.test('with the right password answers the user, the session and a cookie', async (t) => {
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
      'updatedAt',
      'username',
    ]);
    t.match(user, { id, username: 'ann', name: '', email: 'ann@example.org', active: true });
    t.equal(user.lastSignInAt, session.createdAt, 'the sign-in is noted');
    t.notMatch(client.cookie ?? '', session.id, 'what is shown of the session is not what lets in');

    const whoami = await client.request('GET', '/api/sign');
    t.equal(whoami.statusCode, 200);
    t.equal(whoami.headers['cache-control'], 'no-store');
    t.strictSame(whoami.json(), { user, session, via: 'session', fresh: true, permissions: [] });
  });

  t.test('case 12: right password: 200, a new session id, fresh, lastSignInAt moves', async (t) => {
    const client = await signedIn(app, 'ann');
    const { cookie } = client;
    const before = (await client.request('GET', '/api/sign')).json();
    const passOver = stopTheClock(t);
    passOver(1000);
    const response = await client.signIn('ann');
    t.equal(response.statusCode, 200);
    t.not(client.cookie, cookie);
    const { user, session } = response.json();
    t.not(session.id, before.session.id);
    t.equal(user.lastSignInAt, new Date().toISOString(), 'lastSignInAt moves');
    t.equal(before.fresh && (await client.request('GET', '/api/sign')).json().fresh, true);
    client.cookie = cookie;
    t.equal(await whoamiStatus(client), 401, 'the one sent along is dead');
  });

  t.test('does not adopt a session id that somebody else chose', async (t) => {
    const planted = app.sessionCookie.makeSecret();
    const client = new Client(app);
    client.cookie = `${app.sessionCookie.name}=${app.sessionCookie.sign(planted)}`;
    t.equal((await client.signIn('ann')).statusCode, 200);
    const key = keyOf(planted);
    t.not(app.sessionCookie.keyIn(client.cookie), key);
    t.equal(await app.db.sessions.find(key), undefined);
  });

  t.test('leaves the sessions of other browsers alone', async (t) => {
    const one = await signedIn(app, 'ann');
    await signedIn(app, 'ann');
    t.equal((await one.request('GET', '/api/sign')).statusCode, 200);
  });

  t.test('with a wrong password leaves the session that there is as it was', async (t) => {
    const client = await signedIn(app, 'ann');
    const response = await client.signIn('ann', 'not her password');
    t.equal(response.statusCode, 401);
    t.equal(response.headers['set-cookie'], undefined);
    t.equal((await client.request('GET', '/api/sign')).statusCode, 200);
  });

  t.test('as somebody else ends the session of the first', async (t) => {
    await makeUser(app, 'bob');
    const client = await signedIn(app, 'ann');
    const before = client.cookie;
    t.equal((await client.signIn('bob')).statusCode, 200);
    t.match((await client.request('GET', '/api/sign')).json(), { user: { username: 'bob' } });
    client.cookie = before;
    t.equal((await client.request('GET', '/api/sign')).statusCode, 401);
  });
});

/** How many lists of writes the first attempt for a name is: its count, and the audit trail. */
const COUNTED = 2;

onEachEngine('a sign-in that fails', async (t, engine) => {
  const { watch, ...hashing } = await watchedPasswords();
  const { app } = await startService(t, engine, { hashing });
  await makeUser(app, 'ann');
  await makeUser(app, 'gone', { active: false });
  const bare = { id: randomUUIDv7(), username: 'bare', name: '', email: null, active: true };
  await app.db.atomically([app.db.users.add({ ...bare, passwordHash: null }, Date.now())]);

  const attempts = [
    { of: 'a user with a wrong password', username: 'ann', password: 'wrong' },
    { of: 'a known e-mail address with a wrong password', username: 'ann@example.org', password: 'wrong' },
    { of: 'an unknown user', username: 'nobody', password: PASSWORD },
    { of: 'an unknown e-mail address', username: 'nobody@example.org', password: PASSWORD },
    { of: 'a name that nobody could have', username: 'no body', password: PASSWORD },
    { of: 'a disabled user with the right password', username: 'gone', password: PASSWORD },
    { of: 'a user who has no password', username: 'bare', password: PASSWORD },
  ];
  t.test('case 13: wrong password, unknown, disabled: same status, body and hashing', async (t) => {
    for (const { of, username, password } of attempts) {
      watch.checks = 0;
      const writes = t.capture(app.db, 'atomically', app.db.atomically);
      const response = await new Client(app).signIn(username, password);
      t.equal(response.statusCode, 401, of);
      const { requestId, ...body } = response.json();
      t.ok(requestId);
      t.strictSame(body, {
        type: 'about:blank',
        title: 'Unauthorized',
        status: 401,
        detail: 'The username or the password is wrong.',
      });
      t.equal(watch.checks, 1, 'one check of a password');
      t.equal(writes().length, COUNTED, 'the attempt is counted and told of, whoever was meant');
      t.equal(response.headers['set-cookie'], undefined);
    }
  });

  const races = [
    { what: 'disabled', payload: { active: false }, method: 'PATCH' },
    { what: 'deleted', payload: undefined, method: 'DELETE' },
  ];
  for (const { what, payload, method } of races) {
    t.test(`because the user is ${what} while the password is checked leaves no session`, async (t) => {
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
      t.equal(response.headers['set-cookie'], undefined, 'no cookie');
      t.equal((await client.request('GET', '/api/sign')).statusCode, 401);
      t.strictSame(await app.db.sessions.page(id, '', 10, Date.now()), [], 'no row');
      const user = await app.db.users.find(id);
      t.notOk(user?.lastSignInAt, 'and it is not noted as a sign-in');
    });
  }
});

onEachEngine('the name at sign-in', async (t, engine) => {
  const { app } = await startService(t, engine);
  const ann = await makeUser(app, 'Ann');
  const zoe = await makeUser(app, 'Zoë-Ελένη');

  t.test('case 19: Unicode names; Ann, ANN and full-width Ann are one; e-mail addresses', async (t) => {
    for (const name of ['Ann', 'ann', 'ANN', 'Ａｎｎ', 'ann@example.org', 'ANN@Example.ORG']) {
      const response = await new Client(app).signIn(name);
      t.equal(response.statusCode, 200, name);
      t.match(response.json(), { user: { id: ann, username: 'Ann' } });
    }
    // However the accents are composed, it is shown as it was written.
    for (const name of ['Zoë-Ελένη', 'ZOE\u0308-ΕΛΕ\u0301ΝΗ']) {
      const response = await new Client(app).signIn(name);
      t.equal(response.statusCode, 200, name);
      t.match(response.json(), { user: { id: zoe, username: 'Zoë-Ελένη' } });
    }
    for (const name of ['Änn', 'Zoe-Ελένη', ' Ann', 'Ann ', 'Ann%']) {
      t.equal((await new Client(app).signIn(name)).statusCode, 401, `"${name}" is nobody`);
    }
  });
});

onEachEngine('a password', async (t, engine) => {
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
  t.test('case 14: spaces, any Unicode, 128 characters: works exactly as typed', async (t) => {
    for (const [index, { of, password, others }] of cases.entries()) {
      const username = `user-${index}`;
      const made = await admin.request('POST', '/api/users', { username, password });
      t.equal(made.statusCode, 201, of);
      t.equal((await new Client(app).signIn(username, password)).statusCode, 200);
      for (const other of others) t.equal((await new Client(app).signIn(username, other)).statusCode, 401);
    }
  });
});
