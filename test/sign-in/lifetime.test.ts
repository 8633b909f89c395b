/** A session lives and dies on the server: how long, until when, for whom, and what it costs to have one. */
import type { App } from '../../app.ts';
import { makeSecret } from '../../config/secret.ts';
import { stopTheClock } from '../support/clock.ts';
import { onEachEngine } from '../support/engines.ts';
import {
  Client,
  makeUser,
  PASSWORD,
  quickHashing,
  signedIn,
  startService,
  whoamiStatus,
} from '../support/service.ts';

/** The smallest step of the clock, in seconds. */
const MOMENT = 0.001;

/** @returns the row of the client's session. */
function rowOf(app: App, cookie: string | undefined) {
  return app.db.sessions.find(app.sessionCookie.keyIn(cookie) ?? '');
}

onEachEngine('the lifetime of a session', async (t, engine) => {
  const settings = { SESSION_IDLE: 60, SESSION_LIFETIME: 200, REMEMBER_LIFETIME: 1000 };
  const { app } = await startService(t, engine, { settings, hashing: quickHashing });
  await makeUser(app, 'ann');

  t.test('case 16: remember: the cookie has an expiry; without: none; the server ends both', async (t) => {
    const passOver = stopTheClock(t);
    const start = Date.now();
    const client = new Client(app);
    const busy = new Client(app);
    for (const each of [client, busy]) {
      const response = await each.signIn('ann', PASSWORD, { remember: true });
      const { session } = response.json();
      t.strictSame(
        [session.expiresAt, session.endsAt],
        Array(2).fill(new Date(start + 1000_000).toISOString()),
      );
      t.strictSame(response.cookies[0]?.expires, new Date(Math.floor(start / 1000 + 1000) * 1000));
    }
    const forgetful = new Client(app);
    const [cookie] = (await forgetful.signIn('ann')).cookies;
    t.strictSame([cookie?.expires, cookie?.maxAge], [undefined, undefined], 'it ends with the browser');
    passOver(60);
    t.equal(await whoamiStatus(forgetful), 401, 'and on the server like any other');
    passOver(440);
    t.equal(await whoamiStatus(busy), 200);
    passOver(500 - MOMENT);
    for (const each of [client, busy]) t.equal(await whoamiStatus(each), 200, 'idle or not');
    passOver(MOMENT);
    for (const each of [client, busy]) t.equal(await whoamiStatus(each), 401);
  });

  t.test('case 17: idle too long: 401; older than the absolute lifetime, however active: 401', async (t) => {
    const passOver = stopTheClock(t);
    const idle = await signedIn(app, 'ann');
    passOver(60 - MOMENT);
    t.equal(await whoamiStatus(idle), 200);
    passOver(60);
    t.ok(await rowOf(app, idle.cookie));
    t.equal(await whoamiStatus(idle), 401);
    t.equal(await rowOf(app, idle.cookie), undefined, 'its row is removed');

    const busy = await signedIn(app, 'ann');
    for (let age = 50; age < 200; age += 50) {
      passOver(50);
      t.equal(await whoamiStatus(busy), 200, `alive after ${age} s`);
    }
    passOver(50 - MOMENT);
    t.equal(await whoamiStatus(busy), 200);
    passOver(MOMENT);
    t.equal(await whoamiStatus(busy), 401);
  });

  t.test('is told as it is', async (t) => {
    const passOver = stopTheClock(t);
    const client = await signedIn(app, 'ann');
    const start = Date.now();
    passOver(30);
    const { session } = (await client.request('GET', '/api/sign')).json();
    t.strictSame(
      [session.createdAt, session.endsAt],
      [start, start + 200_000].map((time) => new Date(time).toISOString()),
    );
    const again = (await client.request('GET', '/api/sign')).json();
    t.match(again.session, {
      lastSeenAt: new Date(start + 30_000).toISOString(),
      expiresAt: new Date(start + 90_000).toISOString(),
    });
  });

  t.test('is fresh for a quarter of an hour', async (t) => {
    const passOver = stopTheClock(t);
    const client = new Client(app);
    await client.signIn('ann', PASSWORD, { remember: true });
    const fresh = async () => (await client.request('GET', '/api/sign')).json().fresh;
    passOver(15 * 60 - MOMENT);
    t.equal(await fresh(), true);
    passOver(MOMENT);
    t.equal(await fresh(), false, 'not even when it is used');
  });

  t.test('does not end another session that has time left', async (t) => {
    const passOver = stopTheClock(t);
    const first = await signedIn(app, 'ann');
    passOver(40);
    const second = await signedIn(app, 'ann');
    passOver(40);
    t.equal(await whoamiStatus(first), 401);
    t.equal(await whoamiStatus(second), 200);
  });
});

onEachEngine('what a request writes', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'ann');

  t.test('case 18: an untouched session: no row written, no Set-Cookie', async (t) => {
    const passOver = stopTheClock(t);
    const client = await signedIn(app, 'ann');
    const writes = t.capture(app.db, 'atomically', app.db.atomically);
    for (const url of ['/api/sign', '/api/users', '/api/groups', '/', '/nowhere']) {
      const response = await client.request('GET', url);
      t.equal(response.headers['set-cookie'], undefined, `no cookie from ${url}`);
    }
    passOver(5 * 60 - MOMENT);
    t.equal(await whoamiStatus(client), 200);
    t.equal(writes().length, 0, 'not yet');
    passOver(MOMENT);
    const response = await client.request('GET', '/api/sign');
    t.equal(response.headers['set-cookie'], undefined, 'the expiry of the cookie does not move');
    t.equal(await whoamiStatus(client), 200);
    t.equal(writes().length, 1);
  });

  t.test('is nothing when the caller is nobody', async (t) => {
    const writes = t.capture(app.db, 'atomically', app.db.atomically);
    const forged = app.sessionCookie.sign(makeSecret());
    for (const cookie of [undefined, 'rollcall=forged', `rollcall=${forged}`, 'other=1']) {
      for (const url of ['/', '/nowhere', '/api/sign', '/api/users', '/api/groups']) {
        const client = new Client(app);
        client.cookie = cookie;
        const response = await client.request('GET', url);
        t.equal(response.headers['set-cookie'], undefined, `no cookie from ${url} with ${cookie}`);
      }
    }
    t.equal(writes().length, 0);
  });

  t.test('is allowed to fail when it is only the note that the session was seen', async (t) => {
    const passOver = stopTheClock(t);
    const client = await signedIn(app, 'ann');
    passOver(5 * 60);
    const writes = t.capture(app.db, 'atomically', async () => {
      throw new Error('the disk is full');
    });
    t.equal(await whoamiStatus(client), 200);
    t.equal(writes().length, 1);
  });
});
