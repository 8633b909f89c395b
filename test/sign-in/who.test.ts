/** Who is calling: the user whom the session names, looked up anew at each request, or nobody. */
import { randomUUIDv7 } from 'node:crypto';
import { onEachEngine } from '../support/engines.ts';
import {
  Client,
  makeToken,
  makeUser,
  quickHashing,
  signedIn,
  startService,
  whoamiStatus,
} from '../support/service.ts';

onEachEngine('a caller', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  const ann = await makeUser(app, 'ann');

  t.test('case 1: no credentials: 401; on a public route the request runs as anonymous', async (t) => {
    const guarded = ['/api/sign', '/api/users', `/api/users/${ann}`, '/api/groups', '/api/sessions'];
    for (const url of guarded) {
      const response = await new Client(app).request('GET', url);
      t.equal(response.statusCode, 401, url);
      t.match(response.headers['content-type'], 'application/problem+json');
      t.match(response.headers['www-authenticate'], /^Bearer /);
      t.equal(response.headers['cache-control'], 'no-store');
      t.match(response.json(), { status: 401, title: 'Unauthorized', detail: /sign\/in/, requestId: /./ });
      t.equal(response.headers['set-cookie'], undefined);
    }
    const headers = { 'content-type': 'application/json' };
    const broken = await new Client(app).request('POST', '/api/users', '{"broken', headers);
    t.equal(broken.statusCode, 401, 'before the body is looked at');
    t.equal((await new Client(app).request('GET', '/')).statusCode, 200);
  });

  t.test('case 2: signed in: the same user next time; out: anonymous; out again: 204', async (t) => {
    const client = await signedIn(app, 'ann');
    const { cookie } = client;
    for (const _request of [1, 2]) {
      t.match((await client.request('GET', '/api/sign')).json(), { user: { id: ann }, via: 'session' });
    }
    t.equal((await client.request('POST', '/api/sign/out')).statusCode, 204);
    t.equal(await whoamiStatus(client), 401);
    client.cookie = cookie;
    t.equal(await whoamiStatus(client), 401, 'with the old cookie, too');
    client.cookie = undefined;
    t.equal((await client.request('POST', '/api/sign/out')).statusCode, 204);
    t.equal((await client.request('POST', '/api/sign/out')).statusCode, 204);
  });

  t.test('case 3: a session of a user who is gone or disabled: anonymous, its row removed', async (t) => {
    // Straight in the database, as another program would: nothing but the next request ends the session.
    const disable = async (id: string) => {
      const user = await app.db.users.find(id);
      if (user) await app.db.atomically([app.db.users.change({ ...user, active: !user.active }, Date.now())]);
    };
    const remove = async (id: string) => {
      const user = await app.db.users.find(id);
      if (user) await app.db.atomically([app.db.users.remove(user)]);
    };
    for (const [name, end] of Object.entries({ disable, remove })) {
      const id = await makeUser(app, name);
      const client = await signedIn(app, name);
      const { cookie } = client;
      const key = app.sessionCookie.keyIn(cookie) ?? '';
      t.ok(await app.db.sessions.find(key), 'the row was there');
      await end(id);
      t.equal((await client.request('GET', '/')).statusCode, 200, 'what is public is served');
      t.equal(await whoamiStatus(client), 401, name);
      t.equal(await app.db.sessions.find(key), undefined, 'the row is gone');
      if (name === 'disable') await disable(id);
      client.cookie = cookie;
      t.equal(await whoamiStatus(client), 401, 'and does not come back when the user is enabled');
    }
  });

  t.test('case 9: the user is loaded at most once a request, and not where nobody is needed', async (t) => {
    const client = await signedIn(app, 'ann');
    const { headers } = await makeToken(client);
    const captures = [app.db.sessions, app.db.tokens].map((queries) =>
      t.capture(queries, 'find', queries.find),
    );
    const lookUps = () => captures.map((calls) => calls().length);
    for (const url of [
      '/api/sign',
      '/api/users',
      '/api/groups',
      '/api/sessions',
      '/api/tokens',
      '/api/sign/check',
    ]) {
      t.match((await client.request('GET', url)).statusCode, /^20/);
      t.strictSame(lookUps(), [1, 0], `one look-up for ${url}`);
    }
    t.equal(await whoamiStatus(new Client(app), headers), 200);
    t.strictSame(lookUps(), [0, 1], 'nor is a token twice');
    for (const url of ['/', '/livez', '/readyz', '/docs', '/openapi.json', '/nowhere', '/api/nowhere']) {
      await client.request('GET', url, undefined, headers);
      t.strictSame(lookUps(), [0, 0], `none for ${url}`);
    }
    await client.request('OPTIONS', '/api/users', undefined, headers);
    t.strictSame(lookUps(), [0, 0], 'none for OPTIONS');
  });

  t.test('case 10: OPTIONS on a guarded route without credentials: not refused', async (t) => {
    const preflight = { origin: 'https://example.org', 'access-control-request-method': 'PATCH' };
    for (const url of [
      '/api/users',
      `/api/users/${randomUUIDv7()}`,
      '/api/sign',
      '/api/audit',
      '/api/tokens',
    ]) {
      const response = await new Client(app).request('OPTIONS', url, undefined, preflight);
      t.equal(response.statusCode, 204, url);
      t.match(response.headers.allow, /\bGET\b.*, OPTIONS$/);
    }
  });
});
