/** Cookies are signed with SECRET_KEY, and the database stores secrets as hashes. Neither alone grants access. */

import { keyOf } from '../../../accounts/secrets.ts';
import { makeSecret } from '../../../config/secret.ts';
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

onEachEngine('A session needs both the database and the key', async (t, engine) => {
  const { app, settings } = await startService(t, engine);
  const { DATABASE_URL: databaseUrl, SECRET_KEY } = settings;
  await makeUser(app, 'ann');

  t.test('A session is valid in every process with the same database and key', async (t) => {
    const client = await signedIn(app, 'ann');
    const other = await startService(t, engine, { databaseUrl, settings: { SECRET_KEY } });
    const elsewhere = new Client(other.app);
    elsewhere.cookie = client.cookie;
    t.equal(await whoamiStatus(elsewhere), 200);
  });

  t.test('The database does not store the secret of a cookie, and no other key signs it', async (t) => {
    const { cookie } = await signedIn(app, 'ann');
    const secret = /=([^.]+)/.exec(cookie ?? '')?.[1] ?? '';
    const key = keyOf(secret);
    const row = await app.db.sessions.find(key);
    t.ok(row);
    t.notMatch(JSON.stringify(row), secret, 'the row does not contain the secret');

    const stranger = await startService(t, engine, { databaseUrl });
    const signedByStranger = stranger.app.sessionCookie.sign;
    const { sign } = app.sessionCookie;
    for (const value of [key, `${key}.${key}`, row?.id, sign(key), signedByStranger(key), secret]) {
      const thief = new Client(app);
      thief.cookie = `rollcall=${value}`;
      t.equal(await whoamiStatus(thief), 401);
    }
    const thief = new Client(app);
    thief.cookie = `rollcall=${signedByStranger(secret)}`;
    t.equal(await whoamiStatus(thief), 401, 'the secret signed with another key is refused');
    thief.cookie = `a=b; rollcall=${sign(secret)}; c=d`;
    t.equal(await whoamiStatus(thief), 200, 'the real cookie works');
    thief.cookie = `rollcall=of-another-service; rollcall=${sign(secret)}`;
    t.equal(await whoamiStatus(thief), 200, 'the real cookie works after another one of the same name');
  });
});

onEachEngine('SECRET_KEY can be rotated', async (t, engine) => {
  const [old, fresh] = [makeSecret(), makeSecret()];
  const hashing = quickHashing;
  const before = await startService(t, engine, { hashing, settings: { SECRET_KEY: [old] } });
  const databaseUrl = before.settings.DATABASE_URL;
  const both = await startService(t, engine, {
    databaseUrl,
    hashing,
    settings: { SECRET_KEY: [fresh, old] },
  });
  const after = await startService(t, engine, { databaseUrl, hashing, settings: { SECRET_KEY: [fresh] } });
  await makeUser(before.app, 'ann');

  /** @returns the status of GET /api/sign on that app, and whether it set a cookie. */
  async function whoami(app: typeof before.app, cookie: string | undefined) {
    const client = new Client(app);
    client.cookie = cookie;
    const response = await client.request('GET', '/api/sign');
    return { status: response.statusCode, setCookie: response.headers['set-cookie'] };
  }
  const known = { status: 200, setCookie: undefined };

  t.test(
    'A new first key keeps all sessions, and removing the old key ends those of its cookies',
    async (t) => {
      const { cookie } = await signedIn(before.app, 'ann');
      t.equal((await whoami(both.app, cookie)).status, 200);
      t.equal((await whoami(both.app, cookie)).status, 200, 'the session stays valid at the second request');
      t.equal((await whoami(after.app, cookie)).status, 401);
    },
  );

  for (const remember of [true, false]) {
    t.test(
      `A cookie of the old key is sent anew, with the same secret and expiry, and remember ${remember} (13.3.4)`,
      async (t) => {
        const advance = stopTheClock(t);
        const client = new Client(before.app);
        const [old] = (await client.signIn('ann', PASSWORD, { remember })).cookies;
        const browser = new Client(both.app);
        browser.cookie = client.cookie;
        advance(60);
        const writes = t.capture(both.app.db, 'atomically', both.app.db.atomically);
        const response = await browser.request('GET', '/api/users?limit=1');
        t.strictSame(writes(), [], 'no row is written');
        t.equal(response.headers['cache-control'], 'no-store');
        const [anew] = response.cookies;
        t.equal(response.cookies.length, 1);
        t.equal(anew?.value.split('.')[0], old?.value.split('.')[0]);
        t.not(anew?.value, old?.value);
        t.equal(old?.expires instanceof Date, remember);
        t.strictSame({ ...anew, value: '' }, { ...old, value: '' });
        t.strictSame(await whoami(both.app, browser.cookie), known, 'it is sent once');
        t.strictSame(await whoami(after.app, browser.cookie), known, 'the old key can go');
      },
    );
  }

  t.test('Answers of each status send it anew, but for routes that serve anyone', async (t) => {
    const { cookie } = await signedIn(before.app, 'ann');
    const cases = [
      { method: 'GET', url: '/api/sign', status: 200, sends: 1 },
      { method: 'HEAD', url: '/api/sign', status: 200, sends: 1 },
      { method: 'DELETE', url: '/api/users/01a203c1-154e-79bc-816a-eaba312efecf', status: 403, sends: 1 },
      { method: 'GET', url: '/api/users/01a203c1-154e-79bc-816a-eaba312efecf', status: 404, sends: 1 },
      { method: 'GET', url: '/api/users?limit=none', status: 400, sends: 1 },
      { method: 'POST', url: '/api/sign/confirm', body: { password: 'wrong' }, status: 403, sends: 1 },
      { method: 'GET', url: '/livez', status: 200, sends: 0 },
      { method: 'GET', url: '/', status: 200, sends: 0 },
      { method: 'GET', url: '/nowhere', status: 404, sends: 0 },
    ];
    for (const { method, url, body, status, sends } of cases) {
      const send = `${method} ${url}`;
      const client = new Client(both.app);
      client.cookie = cookie;
      const response = await client.request(method, url, body);
      t.equal(response.statusCode, status, `${send}: ${response.payload}`);
      t.equal(response.cookies.length, sends, send);
    }
  });

  t.test('An answer that sets or clears the cookie itself does so once', async (t) => {
    const id = await makeUser(before.app, 'bob');
    const cases = [
      { method: 'POST', url: '/api/sign/in', body: { username: 'bob', password: PASSWORD }, isNew: true },
      { method: 'POST', url: '/api/sign/confirm', body: { password: PASSWORD }, isNew: true },
      {
        method: 'PUT',
        url: `/api/users/${id}/password`,
        body: { current: PASSWORD, password: PASSWORD },
        isNew: true,
      },
      { method: 'POST', url: '/api/sign/out', isNew: false },
    ];
    for (const { method, url, body, isNew } of cases) {
      const send = `${method} ${url}`;
      const { cookie } = await signedIn(before.app, 'bob');
      const client = new Client(both.app);
      client.cookie = cookie;
      const response = await client.request(method, url, body);
      t.match(response.statusCode, /^20[04]$/, response.payload);
      t.equal(response.cookies.length, 1, send);
      t.not(client.cookie?.split('.')[0], cookie?.split('.')[0], `${send} has another secret, or none`);
      if (isNew) t.equal((await whoami(after.app, client.cookie)).status, 200, send);
      else t.equal(client.cookie, undefined);
      t.equal((await whoami(both.app, cookie)).status, 401);
    }
  });

  t.test('A cookie of the old key is not sent anew for a session that has ended', async (t) => {
    const { cookie } = await signedIn(before.app, 'ann');
    const leaving = new Client(before.app);
    leaving.cookie = cookie;
    await leaving.request('POST', '/api/sign/out');
    t.strictSame(await whoami(both.app, cookie), { status: 401, setCookie: undefined });
  });

  t.test('New cookies are signed with the new first key', async (t) => {
    const { cookie } = await signedIn(both.app, 'ann');
    t.strictSame(await whoami(both.app, cookie), known);
    t.strictSame(await whoami(after.app, cookie), known);
    t.equal((await whoami(before.app, cookie)).status, 401);
  });

  t.test('A failed sign-in keeps the session of a cookie signed with the old key', async (t) => {
    const { cookie } = await signedIn(before.app, 'ann');
    const client = new Client(both.app);
    client.cookie = cookie;
    const response = await client.signIn('ann', 'wrong');
    t.equal(response.statusCode, 401);
    t.equal(response.headers['set-cookie'], undefined);
    t.equal((await whoami(both.app, cookie)).status, 200);
  });

  t.test('A sign-in ends the session of a cookie signed with the old key', async (t) => {
    const { cookie } = await signedIn(before.app, 'ann');
    const client = new Client(both.app);
    client.cookie = cookie;
    t.equal((await client.signIn('ann')).statusCode, 200);
    t.equal((await whoami(both.app, cookie)).status, 401);
    t.equal((await whoami(after.app, client.cookie)).status, 200);
  });

  t.test('A cookie signed with the old key can sign out', async (t) => {
    const { cookie } = await signedIn(before.app, 'ann');
    const client = new Client(both.app);
    client.cookie = cookie;
    t.equal((await client.request('POST', '/api/sign/out')).statusCode, 204);
    t.equal(client.cookie, undefined);
    t.equal((await whoami(before.app, cookie)).status, 401);
  });
});
