/** A session lives and dies on the server: how long, until when, for whom, and what it costs to have one. */
import { mock } from 'node:test';
import type { Test } from 'tap';
import type { App } from '../../app.ts';
import { makeSecret } from '../../config/secret.ts';
import { onEachEngine } from '../support/engines.ts';
import { Client, makeUser, PASSWORD, signedIn, startService } from '../support/service.ts';

const seconds = (n: number) => n * 1000;

/** Stops the clock for a test, which then moves it by `mock.timers.tick`; timers go on as ever. */
function stopTheClock(t: Test) {
  mock.timers.enable({ apis: ['Date'], now: Date.now() });
  t.teardown(() => mock.timers.reset());
}

/** @returns the row of the client's session. */
function rowOf(app: App, cookie: string | undefined) {
  return app.db.sessions.find(app.sessionCookie.keyOf(app.sessionCookie.read(cookie) ?? ''));
}

async function status(client: Client) {
  return (await client.request('GET', '/api/sign')).statusCode;
}

onEachEngine('the lifetime of a session', async (t, engine) => {
  const lifetimes = { SESSION_IDLE: 60, SESSION_LIFETIME: 200, REMEMBER_LIFETIME: 1000 };
  const { app } = await startService(t, engine, { settings: lifetimes });
  await makeUser(app, 'ann');

  t.test('ends when it is idle too long, and its row is removed', async (t) => {
    stopTheClock(t);
    const client = await signedIn(app, 'ann');
    mock.timers.tick(seconds(60) - 1);
    t.equal(await status(client), 200);
    mock.timers.tick(seconds(60));
    t.ok(await rowOf(app, client.cookie));
    t.equal(await status(client), 401);
    t.equal(await rowOf(app, client.cookie), undefined);
  });

  t.test('ends when it is too old, however active it was', async (t) => {
    stopTheClock(t);
    const client = await signedIn(app, 'ann');
    for (let age = 50; age < 200; age += 50) {
      mock.timers.tick(seconds(50));
      t.equal(await status(client), 200, `alive after ${age} s`);
    }
    mock.timers.tick(seconds(50) - 1);
    t.equal(await status(client), 200);
    mock.timers.tick(1);
    t.equal(await status(client), 401);
  });

  t.test('is as long as was asked for when it is to be remembered, idle or not', async (t) => {
    stopTheClock(t);
    const client = new Client(app);
    const busy = new Client(app);
    for (const each of [client, busy]) await each.signIn('ann', PASSWORD, { remember: true });
    mock.timers.tick(seconds(500));
    t.equal(await status(busy), 200);
    mock.timers.tick(seconds(500) - 1);
    for (const each of [client, busy]) t.equal(await status(each), 200);
    mock.timers.tick(1);
    for (const each of [client, busy]) t.equal(await status(each), 401);
  });

  t.test('is told as it is', async (t) => {
    stopTheClock(t);
    const client = await signedIn(app, 'ann');
    const start = Date.now();
    mock.timers.tick(seconds(30));
    const { session } = (await client.request('GET', '/api/sign')).json();
    t.strictSame(
      [session.createdAt, session.endsAt],
      [start, start + seconds(200)].map((time) => new Date(time).toISOString()),
    );
    const again = (await client.request('GET', '/api/sign')).json();
    t.match(again.session, {
      lastSeenAt: new Date(start + seconds(30)).toISOString(),
      expiresAt: new Date(start + seconds(90)).toISOString(),
    });
  });

  t.test('is fresh for a quarter of an hour', async (t) => {
    stopTheClock(t);
    const client = new Client(app);
    await client.signIn('ann', PASSWORD, { remember: true });
    const fresh = async () => (await client.request('GET', '/api/sign')).json().fresh;
    mock.timers.tick(seconds(15 * 60) - 1);
    t.equal(await fresh(), true);
    mock.timers.tick(1);
    t.equal(await fresh(), false, 'not even when it is used');
  });

  t.test('does not end another session that has time left', async (t) => {
    stopTheClock(t);
    const first = await signedIn(app, 'ann');
    mock.timers.tick(seconds(40));
    const second = await signedIn(app, 'ann');
    mock.timers.tick(seconds(40));
    t.equal(await status(first), 401);
    t.equal(await status(second), 200);
  });
});

onEachEngine('what a request writes', async (t, engine) => {
  const { app } = await startService(t, engine);
  await makeUser(app, 'ann');

  t.test('is nothing when its session was seen a moment ago', async (t) => {
    const client = await signedIn(app, 'ann');
    const writes = t.capture(app.db, 'atomically', app.db.atomically);
    for (const url of ['/api/sign', '/api/users', '/api/groups', '/', '/nowhere']) {
      const response = await client.request('GET', url);
      t.equal(response.headers['set-cookie'], undefined, `no cookie from ${url}`);
    }
    t.equal(writes().length, 0);
  });

  t.test('is one note after some minutes, and still no cookie', async (t) => {
    stopTheClock(t);
    const client = await signedIn(app, 'ann');
    const writes = t.capture(app.db, 'atomically', app.db.atomically);
    mock.timers.tick(seconds(5 * 60) - 1);
    t.equal(await status(client), 200);
    t.equal(writes().length, 0, 'not yet');
    mock.timers.tick(1);
    const response = await client.request('GET', '/api/sign');
    t.equal(response.headers['set-cookie'], undefined);
    t.equal(await status(client), 200);
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
    stopTheClock(t);
    const client = await signedIn(app, 'ann');
    mock.timers.tick(seconds(5 * 60));
    const writes = t.capture(app.db, 'atomically', async () => {
      throw new Error('the disk is full');
    });
    t.equal(await status(client), 200);
    t.equal(writes().length, 1);
  });
});

onEachEngine('a session of somebody who may not be here any more', async (t, engine) => {
  const { app } = await startService(t, engine);

  t.test('is refused when they are disabled, and does not come back when they are enabled', async (t) => {
    const id = await makeUser(app, 'ann');
    const client = await signedIn(app, 'ann');
    const user = await app.db.users.find(id);
    if (!user) return t.fail('the user is there');
    // Straight in the database, as another program would: the session's row stays, and must not help.
    await app.db.atomically([app.db.users.change({ ...user, active: false }, Date.now())]);
    t.ok(await rowOf(app, client.cookie));
    t.equal(await status(client), 401);
    t.equal(await rowOf(app, client.cookie), undefined, 'its row is removed');

    const enabled = { ...user, version: user.version + 1, active: true };
    await app.db.atomically([app.db.users.change(enabled, Date.now())]);
    t.equal(await status(client), 401);
  });

  t.test('is refused when they are deleted, and its row is gone', async (t) => {
    const id = await makeUser(app, 'bob');
    const client = await signedIn(app, 'bob');
    await app.db.atomically([app.db.users.remove({ id, version: 1 })]);
    t.equal(await status(client), 401);
    t.equal(await rowOf(app, client.cookie), undefined);
  });
});

onEachEngine('a session among processes', async (t, engine) => {
  const { app, settings } = await startService(t, engine);
  const { DATABASE_URL: databaseUrl, SECRET_KEY } = settings;
  await makeUser(app, 'ann');

  t.test('is known to every one that has the database and the key', async (t) => {
    const client = await signedIn(app, 'ann');
    const other = await startService(t, engine, { databaseUrl, settings: { SECRET_KEY } });
    const elsewhere = new Client(other.app);
    elsewhere.cookie = client.cookie;
    t.equal(await status(elsewhere), 200);
  });

  t.test('outlives a restart', async (t) => {
    const first = await startService(t, engine);
    await makeUser(first.app, 'ann');
    const { cookie } = await signedIn(first.app, 'ann');
    await first.app.close();
    const { DATABASE_URL, SECRET_KEY } = first.settings;
    const second = await startService(t, engine, { databaseUrl: DATABASE_URL, settings: { SECRET_KEY } });
    const client = new Client(second.app);
    client.cookie = cookie;
    t.equal(await status(client), 200);
  });

  t.test('can not be had from what the database keeps', async (t) => {
    const { cookie } = await signedIn(app, 'ann');
    const secret = app.sessionCookie.read(cookie) ?? '';
    const key = app.sessionCookie.keyOf(secret);
    const row = await rowOf(app, cookie);
    t.ok(row);
    t.notMatch(JSON.stringify(row), secret, 'the row does not have the secret');

    const stranger = await startService(t, engine, { databaseUrl });
    const signedByStranger = stranger.app.sessionCookie.sign;
    const { sign } = app.sessionCookie;
    for (const value of [key, `${key}.${key}`, row?.id, sign(key), signedByStranger(key), secret]) {
      const thief = new Client(app);
      thief.cookie = `rollcall=${value}`;
      t.equal(await status(thief), 401);
    }
    const thief = new Client(app);
    thief.cookie = `rollcall=${signedByStranger(secret)}`;
    t.equal(await status(thief), 401, 'not even the secret lets in when another key signed it');
    thief.cookie = `a=b; rollcall=${sign(secret)}; c=d`;
    t.equal(await status(thief), 200, 'the cookie itself does');
    thief.cookie = `rollcall=of-another-service; rollcall=${sign(secret)}`;
    t.equal(await status(thief), 200, 'also behind another one of its name');
  });
});
