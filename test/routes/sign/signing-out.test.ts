/** Signing out ends the session at once, in every process, even while another request of the session is running. */
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

/** A Set-Cookie that clears the cookie: its name and attributes, no value, and an expiry in the past. */
const CLEARED = {
  name: 'rollcall',
  value: '',
  path: '/',
  httpOnly: true,
  sameSite: 'Lax',
  expires: new Date(0),
};

onEachEngine('Signing out ends the session', async (t, engine) => {
  const hashing = quickHashing;
  const { app, settings } = await startService(t, engine, { hashing });
  const { DATABASE_URL: databaseUrl, SECRET_KEY } = settings;
  const other = await startService(t, engine, { databaseUrl, hashing, settings: { SECRET_KEY } });
  await makeUser(app, 'ann');

  t.test('Signing out removes the session and clears the cookie', async (t) => {
    const client = await signedIn(app, 'ann');
    const { cookie } = client;
    const key = app.sessionCookie.find(cookie)?.key ?? '';
    t.ok(await app.db.sessions.find(key));

    const response = await client.request('POST', '/api/sign/out');
    t.equal(response.statusCode, 204);
    t.equal(response.payload, '');
    t.equal(response.headers['cache-control'], 'no-store');
    t.equal(response.cookies.length, 1);
    t.match(response.cookies[0], CLEARED);
    t.equal(await app.db.sessions.find(key), undefined);
    t.equal((await client.request('GET', '/api/sign')).statusCode, 401);

    client.cookie = cookie;
    t.equal((await client.request('GET', '/api/sign')).statusCode, 401, 'the old cookie is refused');
  });

  t.test('Signing out in one process ends the session in the other at once', async (t) => {
    const client = await signedIn(app, 'ann');
    const elsewhere = new Client(other.app);
    elsewhere.cookie = client.cookie;
    t.equal((await elsewhere.request('GET', '/api/sign')).statusCode, 200);
    t.equal((await elsewhere.request('POST', '/api/sign/out')).statusCode, 204);
    t.equal((await client.request('GET', '/api/sign')).statusCode, 401);

    const there = await signedIn(other.app, 'ann');
    const here = new Client(app);
    here.cookie = there.cookie;
    t.equal((await here.request('POST', '/api/sign/out')).statusCode, 204);
    t.equal((await there.request('GET', '/api/sign')).statusCode, 401);
  });

  t.test('Signing out ends no other session', async (t) => {
    const one = await signedIn(app, 'ann');
    const two = await signedIn(app, 'ann');
    await one.request('POST', '/api/sign/out');
    t.equal((await two.request('GET', '/api/sign')).statusCode, 200);
  });

  t.test('Signing out of an ended session answers 204 and clears the cookie (case 21)', async (t) => {
    const client = await signedIn(app, 'ann');
    const { cookie } = client;
    await client.request('POST', '/api/sign/out');
    client.cookie = cookie;
    const response = await client.request('POST', '/api/sign/out');
    t.equal(response.statusCode, 204);
    t.equal(response.cookies.length, 1);
    t.match(response.cookies[0], CLEARED);
  });

  for (const value of ['', 'x', 'forged.signature', `${'A'.repeat(43)}.${'A'.repeat(43)}`]) {
    t.test(`Signing out with the invalid cookie "${value}" answers 204`, async (t) => {
      const client = new Client(app);
      client.cookie = `rollcall=${value}`;
      const response = await client.request('POST', '/api/sign/out');
      t.equal(response.statusCode, 204);
      for (const cookie of response.cookies) t.match(cookie, CLEARED);
    });
  }

  t.test('Signing out without a cookie answers 204 and sets no cookie', async (t) => {
    const response = await new Client(app).request('POST', '/api/sign/out');
    t.equal(response.statusCode, 204);
    t.equal(response.headers['set-cookie'], undefined);
  });

  t.test('Signing out accepts an empty body of any content type', async (t) => {
    const client = await signedIn(app, 'ann');
    const headers = { 'content-type': 'application/json' };
    t.equal((await client.request('POST', '/api/sign/out', '', headers)).statusCode, 204);
    t.equal((await client.request('GET', '/api/sign')).statusCode, 401);
  });
});

onEachEngine('A slow request does not survive signing out', async (t, engine) => {
  let duringHashing = async () => {};
  /** Runs the callback once, while a password is hashed or verified. */
  async function pause() {
    const callback = duringHashing;
    duringHashing = async () => {};
    await callback();
  }
  const hashing = {
    async hash(password: string) {
      await pause();
      return quickHashing.hash(password);
    },
    async verify(hashed: string | null | undefined, password: string) {
      await pause();
      return quickHashing.verify(hashed, password);
    },
  };
  const { app } = await startService(t, engine, { hashing });
  const ann = await makeUser(app, 'ann', { admin: true });

  /** Signs in. A second client with the same cookie signs out while the next password is hashed. */
  async function signedOutDuringHashing() {
    const client = await signedIn(app, 'ann');
    const { cookie } = client;
    duringHashing = async () => {
      const leaving = new Client(app);
      leaving.cookie = cookie;
      await leaving.request('POST', '/api/sign/out');
    };
    return { client, cookie };
  }

  t.test(
    'A request whose session is signed out meanwhile changes nothing and restores no session (case 24)',
    async (t) => {
      const payload = { username: 'bob', password: PASSWORD };
      const requests = [
        { send: (client: Client) => client.request('POST', '/api/users', payload), status: 401 },
        { send: (client: Client) => client.signIn('ann', 'wrong'), status: 401 },
        { send: (client: Client) => client.signIn('ann'), status: 200 },
        {
          send: (client: Client) => client.request('POST', '/api/sign/confirm', { password: PASSWORD }),
          status: 401,
        },
        {
          send: (client: Client) =>
            client.request('PUT', `/api/users/${ann}/password`, { current: PASSWORD, password: PASSWORD }),
          status: 409,
        },
      ];
      for (const { send, status } of requests) {
        const { client, cookie } = await signedOutDuringHashing();
        const response = await send(client);
        t.equal(response.statusCode, status);
        // A successful sign-in creates a new session.
        if (status !== 200) t.equal(response.headers['set-cookie'], undefined);
        t.equal(await whoamiStatus(client), status === 200 ? 200 : 401);
        t.equal(client.cookie === cookie, status !== 200);
        client.cookie = cookie;
        t.equal(await whoamiStatus(client), 401);
      }
    },
  );
});
