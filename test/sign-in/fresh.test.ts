/** A session that was left open must not be enough for what can't be taken back: the password is asked for again. */
import { stopTheClock } from '../support/clock.ts';
import { onEachEngine } from '../support/engines.ts';
import {
  Client,
  makeToken,
  makeUser,
  PASSWORD,
  quickHashing,
  signedIn,
  startService,
} from '../support/service.ts';

/** How long a session is fresh, in seconds. */
const FRESH = 15 * 60;

onEachEngine('a fresh session', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  const isFresh = async (client: Client, headers = {}) =>
    (await client.request('GET', '/api/sign', undefined, headers)).json().fresh;
  /** What asks for a fresh session. */
  const sensitive = (id: string) =>
    [
      { method: 'POST', url: '/api/tokens', payload: { name: 'new' }, done: 201 },
      {
        method: 'PUT',
        url: `/api/users/${id}/password`,
        payload: { current: PASSWORD, password: PASSWORD },
        done: 204,
      },
    ] as const;

  t.test('case 26: too old for a sensitive change: 403 that says confirm; then it works', async (t) => {
    const id = await makeUser(app, 'ann');
    const passOver = stopTheClock(t);
    for (const { method, url, payload, done } of sensitive(id)) {
      const client = await signedIn(app, 'ann');
      const other = await signedIn(app, 'ann');
      passOver(FRESH - 0.001);
      t.equal(await isFresh(client), true);
      passOver(0.001);
      t.equal(await isFresh(client), false, 'however it is used');
      const refused = await client.request(method, url, payload);
      t.equal(refused.statusCode, 403, `${method} ${url}`);
      t.match(refused.json(), {
        type: 'urn:rollcall:problem:confirm',
        detail: /POST \/api\/sign\/confirm/,
      });

      const confirmed = await client.request('POST', '/api/sign/confirm', { password: PASSWORD });
      t.equal(confirmed.statusCode, 204);
      t.equal(await isFresh(client), true);
      t.equal(await isFresh(other), false, 'this session and no other');
      t.equal((await client.request(method, url, payload)).statusCode, done);
    }
  });

  t.test('case 27: wrong password at confirm: 401, throttled, the session as it was', async (t) => {
    await makeUser(app, 'bob');
    const passOver = stopTheClock(t);
    const client = await signedIn(app, 'bob');
    passOver(FRESH);
    const { session } = (await client.request('GET', '/api/sign')).json();
    const confirm = (password: string) => client.request('POST', '/api/sign/confirm', { password });
    for (let time = 0; time < 6; time++) {
      const response = await confirm('wrong');
      t.equal(response.statusCode, 401);
      t.equal(response.headers['set-cookie'], undefined);
    }
    t.match((await client.request('GET', '/api/sign')).json(), { fresh: false, session });

    // They are counted together, so that nobody has twice as many tries.
    for (let time = 0; time < 4; time++)
      t.equal((await new Client(app).signIn('bob', 'wrong')).statusCode, 401);
    const throttled = await confirm(PASSWORD);
    t.equal(throttled.statusCode, 429);
    t.equal(throttled.headers['retry-after'], '900');
    t.equal((await new Client(app).signIn('bob')).statusCode, 429);
    t.match(
      (await client.request('GET', '/api/sign')).json(),
      { fresh: false, session },
      'it is still there',
    );
    passOver(15 * 60);
    t.equal((await confirm(PASSWORD)).statusCode, 204, 'and can be confirmed later');
  });

  t.test('case 28: a token never counts as fresh', async (t) => {
    const id = await makeUser(app, 'chief', { admin: true });
    const { headers } = await makeToken(await signedIn(app, 'chief'), { scopes: ['*'] });
    const client = new Client(app);
    t.equal(await isFresh(client, headers), false);
    for (const { method, url, payload } of sensitive(id)) {
      const response = await client.request(method, url, payload, headers);
      t.equal(response.statusCode, 403, `${method} ${url}`);
      t.match(response.json(), { type: 'urn:rollcall:problem:session-required' });
    }
    const password = { password: PASSWORD };
    t.equal((await client.request('POST', '/api/sign/confirm', password, headers)).statusCode, 403);
    t.equal(await isFresh(client, headers), false);
  });
});
