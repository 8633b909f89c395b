/**
 * The clock of a host is set back, or another host's clock is ahead. What is up to a minute in the future counts as now. What is
 * further in the future counts as ended and as not fresh. Nobody waits longer than a window.
 */
import type { Test } from 'tap';
import { keyOf } from '../../accounts/secrets.ts';
import type { App } from '../../app.ts';
import { newSession } from '../support/cast.ts';
import { setTheClockBack, stopTheClock } from '../support/clock.ts';
import { onEachEngine, type TestEngine } from '../support/engines.ts';
import { sendFrom, signInFrom } from '../support/guessing.ts';
import { hasTokens } from '../support/optional.ts';
import {
  Client,
  makeToken,
  makeUser,
  PASSWORD,
  quickHashing,
  signedIn,
  startService,
  whoamiStatus,
} from '../support/service.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WINDOW = 15 * MINUTE;

/** Starts the service with a stopped clock. */
async function startStopped(t: Test, engine: TestEngine) {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  return { app, advance: stopTheClock(t) };
}

/** @returns whether the condition holds. */
async function holds(app: App, step: Parameters<App['db']['atomically']>[0][number]): Promise<boolean> {
  return (await app.db.atomically([step])) === undefined;
}

onEachEngine(
  'A throttled name waits no longer than its window when the clock is set back',
  async (t, engine) => {
    const { app, advance } = await startStopped(t, engine);
    await makeUser(app, 'ann');
    const client = new Client(app);
    for (let attempt = 0; attempt < 5; attempt++) await client.signIn('ann', 'a wrong password');
    setTheClockBack(3 * HOUR);
    const refused = await client.signIn('ann');
    t.equal(refused.statusCode, 429);
    t.equal(refused.headers['retry-after'], String(WINDOW));
    advance(WINDOW);
    t.equal((await client.signIn('ann')).statusCode, 200);
  },
);

onEachEngine(
  'A name that is guessed waits no longer than it would when the clock is set back',
  async (t, engine) => {
    const { app } = await startService(t, engine, { hashing: quickHashing, settings: { TRUST_PROXY: true } });
    const advance = stopTheClock(t);
    await makeUser(app, 'ann');
    const signIn = signInFrom(app);
    // The seventh one beyond the limit makes the longest wait.
    for (let attempt = 0; attempt < 20; attempt++) await signIn(`192.0.2.${attempt}`, 'ann', 'wrong');
    for (let attempt = 0; attempt < 7; attempt++) {
      advance(HOUR);
      t.equal(await signIn(`198.51.100.${attempt}`, 'ann', 'wrong'), 401);
    }
    setTheClockBack(3 * HOUR);
    const body = { username: 'ann', password: PASSWORD };
    const refused = await sendFrom(app, '203.0.113.1', '/api/sign/in', body);
    t.equal(refused.headers['retry-after'], String(HOUR));
    advance(HOUR);
    t.equal(await signIn('203.0.113.1', 'ann'), 200);
  },
);

onEachEngine('A session ends when it was last seen more than a minute in the future', async (t, engine) => {
  const { app } = await startStopped(t, engine);
  const id = await makeUser(app, 'ann');
  const chief = await makeUser(app, 'chief', { admin: true });
  for (const { seconds, status } of [
    { seconds: MINUTE, status: 200 },
    { seconds: MINUTE + 0.001, status: 401 },
  ]) {
    const session = newSession(app, id, PASSWORD);
    await app.db.atomically([app.db.sessions.add(session)]);
    setTheClockBack(seconds);
    const alive = status === 200;
    const now = Date.now();
    t.equal(await holds(app, app.db.sessions.isAlive(session.key, now)), alive, 'as a condition of a change');
    t.equal((await app.db.sessions.page(id, '', 10, now)).length, alive ? 1 : 0, 'in lists');
    const client = new Client(app);
    client.cookie = `${app.sessionCookie.name}=${app.sessionCookie.sign(session.secret)}`;
    t.equal(await whoamiStatus(client), status);
    await app.db.atomically([app.db.sessions.endAllOf(id), app.db.sessions.endAllOf(chief)]);
  }
});

onEachEngine('A session is not fresh when its password was given in the future', async (t, engine) => {
  const { app } = await startStopped(t, engine);
  await makeUser(app, 'ann');
  const client = await signedIn(app, 'ann');
  const key = keyOf(client.cookie?.replace(/^.*?=/, '').replace(/[.].*$/, '') ?? '');
  for (const { seconds, fresh } of [
    { seconds: MINUTE, fresh: true },
    { seconds: MINUTE + 0.001, fresh: false },
  ]) {
    await app.db.atomically([app.db.sessions.renew(key, key, Date.now() + seconds * 1000)]);
    t.equal((await client.request('GET', '/api/sign')).json().fresh, fresh);
    if (!hasTokens) continue;
    const made = await client.request('POST', '/api/tokens', { name: 'test' });
    t.equal(made.statusCode, fresh ? 201 : 403);
  }
});

onEachEngine('A code ends when it was issued more than a minute in the future', async (t, engine) => {
  const { app } = await startStopped(t, engine);
  await makeUser(app, 'chief', { admin: true });
  const id = await makeUser(app, 'ann');
  const chief = await signedIn(app, 'chief');
  for (const { seconds, status } of [
    { seconds: MINUTE, status: 204 },
    { seconds: MINUTE + 0.001, status: 400 },
  ]) {
    const issued = await chief.request('POST', `/api/users/${id}/reset`);
    t.equal(issued.statusCode, 201);
    setTheClockBack(seconds);
    const body = { code: issued.json().code, password: 'another password' };
    t.equal((await new Client(app).request('POST', '/api/sign/reset', body)).statusCode, status);
  }
});

for (const ahead of [20, -20]) {
  onEachEngine(
    `A host whose clock is ${ahead} seconds ahead of another's serves as one with it`,
    async (t, engine) => {
      const first = await startService(t, engine, { hashing: quickHashing, settings: { SESSION_IDLE: DAY } });
      const databaseUrl = first.settings.DATABASE_URL;
      const second = await startService(t, engine, {
        hashing: quickHashing,
        databaseUrl,
        settings: first.settings,
      });
      await makeUser(first.app, 'ann', { admin: true });
      await makeUser(first.app, 'bob');
      const advance = stopTheClock(t);
      /** Does the work on the second host, whose clock differs. */
      const there = async <Result>(work: (app: App) => Promise<Result>) => {
        const shift = (seconds: number) => (seconds > 0 ? advance(seconds) : setTheClockBack(-seconds));
        shift(ahead);
        const result = await work(second.app);
        shift(-ahead);
        return result;
      };
      const sameUser = (app: App, { cookie }: Client) => Object.assign(new Client(app), { cookie });

      const ann = await there((app) => signedIn(app, 'ann'));
      const here = sameUser(first.app, ann);
      t.match(
        (await here.request('GET', '/api/sign')).json(),
        { fresh: true },
        'signed in there, fresh here',
      );
      const bobs = await there(() => ann.request('GET', '/api/users?q=bob'));
      const path = `/api/users/${bobs.json().items[0].id}`;
      const issued = await there(() => ann.request('POST', `${path}/reset`));
      t.equal(issued.statusCode, 201);
      const redeem = { code: issued.json().code, password: 'any other password' };
      t.equal((await new Client(first.app).request('POST', '/api/sign/reset', redeem)).statusCode, 204);
      if (hasTokens) {
        const { headers } = await there(() => makeToken(ann, { expiresIn: 60 }));
        const status = () => whoamiStatus(new Client(first.app), headers);
        t.equal(await status(), 200, 'a token that was made there works here');
        advance(60 + Math.max(ahead, 0));
        t.equal(await status(), 401, 'and lives no longer than the difference of the clocks');
      }

      const wrong = (app: App) => new Client(app).signIn('bob', 'a wrong password');
      for (let attempt = 0; attempt < 5; attempt++) t.equal((await there(wrong)).statusCode, 401);
      const refused = await wrong(first.app);
      t.equal(refused.statusCode, 429, 'attempts there count here');
      const wait = Number(refused.headers['retry-after']);
      t.ok(wait > 0 && wait <= WINDOW, `wait ${wait} seconds`);
      advance(wait);
      t.equal((await wrong(first.app)).statusCode, 401);

      advance(first.settings.SESSION_LIFETIME - HOUR);
      t.equal(await whoamiStatus(here), 200);
      t.equal(await there(() => whoamiStatus(ann)), 200, 'a use here or there signs nobody out');
      advance(HOUR + Math.max(ahead, 0));
      t.equal(await whoamiStatus(here), 401, 'the session ends when it should, but for the difference');
    },
  );
}
