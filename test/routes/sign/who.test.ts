/** A request is authenticated as the user of its session, which is loaded at each request, or is anonymous. */
import { randomUUIDv7 } from 'node:crypto';
import { onEachEngine } from '../../support/engines.ts';
import { hasTokens, isThere } from '../../support/optional.ts';
import {
  Client,
  makeToken,
  makeUser,
  quickHashing,
  signedIn,
  startService,
  whoamiStatus,
} from '../../support/service.ts';
import { noteStatements } from '../../support/statements.ts';

onEachEngine('Each request is authenticated or anonymous', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  const ann = await makeUser(app, 'ann');

  t.test('A request without credentials answers 401, but is served on public routes (case 1)', async (t) => {
    const guarded = ['/api/sign', '/api/users', `/api/users/${ann}`, '/api/groups', '/api/sessions'];
    for (const url of guarded) {
      const response = await new Client(app).request('GET', url);
      t.equal(response.statusCode, 401, url);
      t.match(response.headers['content-type'], 'application/problem+json');
      t.match(response.headers['www-authenticate'], hasTokens ? /^Bearer / : /^Cookie /);
      t.equal(response.headers['cache-control'], 'no-store');
      t.match(response.json(), { status: 401, title: 'Unauthorized', detail: /sign\/in/, requestId: /./ });
      t.equal(response.headers['set-cookie'], undefined);
    }
    const headers = { 'content-type': 'application/json' };
    const broken = await new Client(app).request('POST', '/api/users', '{"broken', headers);
    t.equal(broken.statusCode, 401, 'the body is not parsed first');
    t.equal((await new Client(app).request('GET', '/')).statusCode, 200);
  });

  t.test('A 401 names the ways to authenticate on its route, whatever it refuses', async (t) => {
    const [bearer, cookie] = ['Bearer realm="rollcall"', 'Cookie realm="rollcall", cookie-name="rollcall"'];
    const both = hasTokens ? `${bearer}, ${cookie}` : cookie;
    const [client, anonymous, ended] = [
      await signedIn(app, 'ann'),
      new Client(app),
      await signedIn(app, 'ann'),
    ];
    const change = { current: 'wrong', password: 'another long password' };
    // This session ends after the guard, just before the change is written.
    const { session } = (await ended.request('GET', '/api/sign')).json();
    const { atomically } = app.db;
    const intercepted = t.capture(app.db, 'atomically', async (steps: Parameters<typeof atomically>[0]) => {
      intercepted.restore();
      await atomically([app.db.sessions.endOf(ann, session.id)]);
      return atomically(steps);
    });
    for (const [challenge, response] of [
      [both, await ended.request('PATCH', `/api/users/${ann}`, { name: 'Ann' })],
      [both, await anonymous.request('GET', '/api/sign')],
      [hasTokens ? bearer : cookie, await anonymous.signIn('ann', 'wrong')],
    ] as const) {
      t.equal(response.statusCode, 401);
      t.equal(response.headers['www-authenticate'], challenge);
    }
    for (const response of [
      await client.request('POST', '/api/sign/confirm', { password: 'wrong' }),
      await client.request('PUT', `/api/users/${ann}/password`, change),
    ]) {
      t.equal(response.statusCode, 403, 'a wrong password of a signed-in user is no 401');
      t.match(response.json(), { type: 'urn:rollcall:problem:wrong-password' });
      t.equal(response.headers['www-authenticate'], undefined);
    }
  });

  t.test(
    'Signing out makes the next request anonymous, and signing out twice answers 204 (case 2)',
    async (t) => {
      const client = await signedIn(app, 'ann');
      const { cookie } = client;
      for (const _request of [1, 2]) {
        t.match((await client.request('GET', '/api/sign')).json(), { user: { id: ann }, via: 'session' });
      }
      t.equal((await client.request('POST', '/api/sign/out')).statusCode, 204);
      t.equal(await whoamiStatus(client), 401);
      client.cookie = cookie;
      t.equal(await whoamiStatus(client), 401, 'the old cookie is refused');
      client.cookie = undefined;
      t.equal((await client.request('POST', '/api/sign/out')).statusCode, 204);
      t.equal((await client.request('POST', '/api/sign/out')).statusCode, 204);
    },
  );

  t.test(
    'The session of a deleted or disabled user is anonymous, and its row is removed (case 3)',
    async (t) => {
      // The user is changed directly in the database, so only the next request can end the session.
      const disable = async (id: string) => {
        const user = await app.db.users.find(id);
        if (user)
          await app.db.atomically([app.db.users.change({ ...user, active: !user.active }, Date.now())]);
      };
      const remove = async (id: string) => {
        const user = await app.db.users.find(id);
        if (user) await app.db.atomically([app.db.users.remove(user)]);
      };
      for (const [name, end] of Object.entries({ disable, remove })) {
        const id = await makeUser(app, name);
        const client = await signedIn(app, name);
        const { cookie } = client;
        const key = app.sessionCookie.find(cookie)?.key ?? '';
        t.ok(await app.db.sessions.find(key), 'the row exists');
        await end(id);
        t.equal((await client.request('GET', '/')).statusCode, 200, 'a public route is served');
        t.equal(await whoamiStatus(client), 401, name);
        t.equal(await app.db.sessions.find(key), undefined, 'the row is gone');
        if (name === 'disable') await disable(id);
        client.cookie = cookie;
        t.equal(await whoamiStatus(client), 401, 'enabling the user does not restore the session');
      }
    },
  );

  t.test('The user is loaded at most once a request, and not on public routes (case 9)', async (t) => {
    const client = await signedIn(app, 'ann');
    const headers = hasTokens ? (await makeToken(client)).headers : {};
    const statements = noteStatements(t);
    const sessionLoads = t.capture(app.db.sessions, 'find', app.db.sessions.find);
    const loads = () => ({
      sessions: sessionLoads().length,
      tokens: statements().some((text) => text.includes('tokens')),
    });
    for (const url of ['/api/sign', '/api/users', '/api/groups', '/api/sessions', '/api/sign/check']) {
      t.match((await client.request('GET', url)).statusCode, /^20/);
      t.strictSame(loads(), { sessions: 1, tokens: false }, `${url} loads the session once`);
    }
    if (hasTokens) {
      t.equal((await client.request('GET', '/api/tokens')).statusCode, 200);
      t.equal(loads().sessions, 1, '/api/tokens loads the session once');
      t.equal(await whoamiStatus(new Client(app), headers), 200);
      t.strictSame(loads(), { sessions: 0, tokens: true }, 'a token is loaded');
    }
    for (const url of ['/', '/livez', '/readyz', '/docs', '/openapi.json', '/nowhere', '/api/nowhere']) {
      await client.request('GET', url, undefined, headers);
      t.strictSame(loads(), { sessions: 0, tokens: false }, `${url} loads nothing`);
    }
    await client.request('OPTIONS', '/api/users', undefined, headers);
    t.strictSame(loads(), { sessions: 0, tokens: false }, 'OPTIONS loads nothing');
  });

  t.test('OPTIONS on a guarded route needs no credentials (case 10)', async (t) => {
    const preflight = { origin: 'https://example.org', 'access-control-request-method': 'PATCH' };
    for (const url of [
      '/api/users',
      `/api/users/${randomUUIDv7()}`,
      '/api/sign',
      '/api/audit',
      '/api/tokens',
    ].filter(isThere)) {
      const response = await new Client(app).request('OPTIONS', url, undefined, preflight);
      t.equal(response.statusCode, 204, url);
      t.match(response.headers.allow, /\bGET\b.*, OPTIONS$/);
    }
  });
});
