/** The keys that sign the cookies, and what is kept of secrets: neither of them lets anybody in without the other. */

import { keyOf } from '../../accounts/secrets.ts';
import { makeSecret } from '../../config/secret.ts';
import { onEachEngine } from '../support/engines.ts';
import { Client, makeToken, makeUser, signedIn, startService, whoamiStatus } from '../support/service.ts';

onEachEngine('a session', async (t, engine) => {
  const { app, settings } = await startService(t, engine);
  const { DATABASE_URL: databaseUrl, SECRET_KEY } = settings;
  await makeUser(app, 'ann');

  t.test('is known to every process that has the database and the key', async (t) => {
    const client = await signedIn(app, 'ann');
    const other = await startService(t, engine, { databaseUrl, settings: { SECRET_KEY } });
    const elsewhere = new Client(other.app);
    elsewhere.cookie = client.cookie;
    t.equal(await whoamiStatus(elsewhere), 200);
  });

  t.test('case 31: a copied database lets nobody in: what is stored can not be sent', async (t) => {
    const { cookie } = await signedIn(app, 'ann');
    const secret = /=([^.]+)/.exec(cookie ?? '')?.[1] ?? '';
    const key = keyOf(secret);
    const row = await app.db.sessions.find(key);
    t.ok(row);
    t.notMatch(JSON.stringify(row), secret, 'the row does not have the secret');

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
    t.equal(await whoamiStatus(thief), 401, 'not even the secret lets in when another key signed it');
    thief.cookie = `a=b; rollcall=${sign(secret)}; c=d`;
    t.equal(await whoamiStatus(thief), 200, 'the cookie itself does');
    thief.cookie = `rollcall=of-another-service; rollcall=${sign(secret)}`;
    t.equal(await whoamiStatus(thief), 200, 'also behind another one of its name');

    const id = await makeUser(app, 'bob', { admin: true });
    const bob = await signedIn(app, 'bob');
    const token = await makeToken(bob);
    await makeUser(app, 'chief', { admin: true });
    const issued = await (await signedIn(app, 'chief')).request('POST', `/api/users/${id}/reset`);
    const { code } = issued.json();
    for (const stored of [keyOf(token.secret), `rc_${keyOf(token.secret)}`, token.id]) {
      t.equal(await whoamiStatus(new Client(app), { authorization: `Bearer ${stored}` }), 401);
    }
    t.equal(await whoamiStatus(new Client(app), token.headers), 200, 'the token itself does');
    for (const sent of [keyOf(code), `rcc_${keyOf(code)}`, code]) {
      const payload = { code: sent, password: 'another password' };
      const response = await new Client(app).request('POST', '/api/sign/reset', payload);
      t.equal(response.statusCode, sent === code ? 204 : 400);
    }
    const hash = await app.db.users.passwordHash(id);
    t.equal(
      (await new Client(app).signIn('bob', hash ?? '')).statusCode,
      401,
      'nor does the hash of a password',
    );
  });
});
onEachEngine('a new first key', async (t, engine) => {
  const [old, fresh] = [makeSecret(), makeSecret()];
  const before = await startService(t, engine, { settings: { SECRET_KEY: [old] } });
  const databaseUrl = before.settings.DATABASE_URL;
  const both = await startService(t, engine, { databaseUrl, settings: { SECRET_KEY: [fresh, old] } });
  const after = await startService(t, engine, { databaseUrl, settings: { SECRET_KEY: [fresh] } });
  await makeUser(before.app, 'ann');

  /** @returns the status of GET /api/sign on that app, and whether it set a cookie. */
  async function whoami(app: typeof before.app, cookie: string | undefined) {
    const client = new Client(app);
    client.cookie = cookie;
    const response = await client.request('GET', '/api/sign');
    return { status: response.statusCode, setCookie: response.headers['set-cookie'] };
  }
  const known = { status: 200, setCookie: undefined };

  t.test('signs nobody out, and the old one removed refuses its sessions', async (t) => {
    const { cookie } = await signedIn(before.app, 'ann');
    t.strictSame(await whoami(both.app, cookie), known);
    t.strictSame(await whoami(both.app, cookie), known, 'nor at the second request');
    t.equal((await whoami(after.app, cookie)).status, 401);
  });

  t.test('signs the new cookies', async (t) => {
    const { cookie } = await signedIn(both.app, 'ann');
    t.strictSame(await whoami(both.app, cookie), known);
    t.strictSame(await whoami(after.app, cookie), known);
    t.equal((await whoami(before.app, cookie)).status, 401);
  });

  t.test('does not cost the old cookie its session when a sign-in with it fails', async (t) => {
    const { cookie } = await signedIn(before.app, 'ann');
    const client = new Client(both.app);
    client.cookie = cookie;
    const response = await client.signIn('ann', 'wrong');
    t.equal(response.statusCode, 401);
    t.equal(response.headers['set-cookie'], undefined);
    t.strictSame(await whoami(both.app, cookie), known);
  });

  t.test('lets a sign-in with the old cookie end the old session', async (t) => {
    const { cookie } = await signedIn(before.app, 'ann');
    const client = new Client(both.app);
    client.cookie = cookie;
    t.equal((await client.signIn('ann')).statusCode, 200);
    t.equal((await whoami(both.app, cookie)).status, 401);
    t.equal((await whoami(after.app, client.cookie)).status, 200);
  });

  t.test('lets the old cookie sign out', async (t) => {
    const { cookie } = await signedIn(before.app, 'ann');
    const client = new Client(both.app);
    client.cookie = cookie;
    t.equal((await client.request('POST', '/api/sign/out')).statusCode, 204);
    t.equal(client.cookie, undefined);
    t.equal((await whoami(before.app, cookie)).status, 401);
  });
});
