/** The server decides when a session expires. A request with a valid session seldom writes to the database. */
import type { App } from '../../../app.ts';
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

/** The smallest step of the clock, in seconds. */
const TICK = 0.001;

/** @returns the row of the client's session. */
function rowOf(app: App, cookie: string | undefined) {
  return app.db.sessions.find(app.sessionCookie.find(cookie)?.key ?? '');
}

onEachEngine('Sessions expire on the server', async (t, engine) => {
  const settings = { SESSION_IDLE: 60, SESSION_LIFETIME: 200, REMEMBER_LIFETIME: 1000 };
  const { app } = await startService(t, engine, { settings, hashing: quickHashing });
  await makeUser(app, 'ann');

  t.test(
    'The cookie has an expiry with remember only, and the server ends both kinds (case 16)',
    async (t) => {
      const advance = stopTheClock(t);
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
      const withoutRemember = new Client(app);
      const [cookie] = (await withoutRemember.signIn('ann')).cookies;
      t.strictSame(
        [cookie?.expires, cookie?.maxAge],
        [undefined, undefined],
        'the cookie ends with the browser',
      );
      advance(60);
      t.equal(await whoamiStatus(withoutRemember), 401, 'it expires on the server when idle');
      advance(440);
      t.equal(await whoamiStatus(busy), 200);
      advance(500 - TICK);
      for (const each of [client, busy])
        t.equal(await whoamiStatus(each), 200, 'a remembered session does not expire when idle');
      advance(TICK);
      for (const each of [client, busy]) t.equal(await whoamiStatus(each), 401);
    },
  );

  t.test('A session expires when idle too long or past its absolute lifetime (case 17)', async (t) => {
    const advance = stopTheClock(t);
    const idle = await signedIn(app, 'ann');
    advance(60 - TICK);
    t.equal(await whoamiStatus(idle), 200);
    advance(60);
    t.ok(await rowOf(app, idle.cookie));
    t.equal(await whoamiStatus(idle), 401);
    t.equal(await rowOf(app, idle.cookie), undefined, 'its row is removed');

    const busy = await signedIn(app, 'ann');
    for (let age = 50; age < 200; age += 50) {
      advance(50);
      t.equal(await whoamiStatus(busy), 200, `valid after ${age} s`);
    }
    advance(50 - TICK);
    t.equal(await whoamiStatus(busy), 200);
    advance(TICK);
    t.equal(await whoamiStatus(busy), 401);
  });

  t.test('GET sign shows the times of the session', async (t) => {
    const advance = stopTheClock(t);
    const client = await signedIn(app, 'ann');
    const start = Date.now();
    advance(30);
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

  t.test('A session is fresh for 15 minutes', async (t) => {
    const advance = stopTheClock(t);
    const client = new Client(app);
    await client.signIn('ann', PASSWORD, { remember: true });
    const fresh = async () => (await client.request('GET', '/api/sign')).json().fresh;
    advance(15 * 60 - TICK);
    t.equal(await fresh(), true);
    advance(TICK);
    t.equal(await fresh(), false, 'using the session does not keep it fresh');
  });

  t.test('A password that was set ten years ago still signs in (6.2.10)', async (t) => {
    const advance = stopTheClock(t);
    await makeUser(app, 'old');
    advance(10 * 365 * 24 * 60 * 60);
    t.equal((await new Client(app).signIn('old', PASSWORD)).statusCode, 200);
  });

  t.test('An expired session does not end another valid session', async (t) => {
    const advance = stopTheClock(t);
    const first = await signedIn(app, 'ann');
    advance(40);
    const second = await signedIn(app, 'ann');
    advance(40);
    t.equal(await whoamiStatus(first), 401);
    t.equal(await whoamiStatus(second), 200);
  });
});

onEachEngine('Reading requests seldom write to the database', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'ann');

  t.test('A request writes no row and sets no cookie until five minutes have passed (case 18)', async (t) => {
    const advance = stopTheClock(t);
    const client = await signedIn(app, 'ann');
    const writes = t.capture(app.db, 'atomically', app.db.atomically);
    for (const url of ['/api/sign', '/api/users', '/api/groups', '/', '/nowhere']) {
      const response = await client.request('GET', url);
      t.equal(response.headers['set-cookie'], undefined, `no cookie from ${url}`);
    }
    advance(5 * 60 - TICK);
    t.equal(await whoamiStatus(client), 200);
    t.equal(writes().length, 0, 'nothing is written within five minutes');
    advance(TICK);
    const response = await client.request('GET', '/api/sign');
    t.equal(response.headers['set-cookie'], undefined, 'the expiry of the cookie does not move');
    t.equal(await whoamiStatus(client), 200);
    t.equal(writes().length, 1);
  });

  t.test('An anonymous request writes nothing', async (t) => {
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

  t.test('A request succeeds although writing the last-seen time fails', async (t) => {
    const advance = stopTheClock(t);
    const client = await signedIn(app, 'ann');
    advance(5 * 60);
    const writes = t.capture(app.db, 'atomically', async () => {
      throw new Error('the disk is full');
    });
    t.equal(await whoamiStatus(client), 200);
    t.equal(writes().length, 1);
  });
});
