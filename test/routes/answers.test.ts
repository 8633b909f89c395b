/**
 * Every route declares the schemas of its request and response bodies. A server error is a problem document that reveals
 * no internals: no SQL, no stack, no host.
 */
import { DatabaseUnavailableError } from '../../db/engines/engine.ts';
import { onEachEngine } from '../support/engines.ts';
import { routesDuring } from '../support/routes.ts';
import { Client, makeUser, quickHashing, signedIn, startService } from '../support/service.ts';

/** The routes that take no request body. */
const WITHOUT_BODY = ['/api/sign/out', '/api/users/:id/reset'];

onEachEngine('Every route declares its schemas', async (t, engine) => {
  const { routes } = await routesDuring(() => startService(t, engine, { hashing: quickHashing }));

  t.test('Every route has a response schema for success and for problems', async (t) => {
    t.ok(routes.length >= 15, `${routes.length} routes`);
    for (const { method, url, schema } of routes) {
      const response: unknown = schema?.response;
      const statuses = typeof response === 'object' && response !== null ? Object.keys(response) : [];
      const name = `${[method].flat().join(', ')} ${url}`;
      t.ok(
        statuses.some((status) => /^2\d\d$/.test(status)),
        `${name} has a schema for success`,
      );
      for (const status of ['4xx', '5xx'])
        t.ok(statuses.includes(status), `${name} has a schema for ${status}`);
    }
  });

  t.test('Every route that takes a body has a schema that rejects unknown fields', async (t) => {
    const taking = routes.filter(
      ({ method, url }) => /POST|PUT|PATCH/.test(String(method)) && !WITHOUT_BODY.includes(url),
    );
    t.ok(taking.length >= 6, `${taking.length} routes`);
    for (const { method, url, schema } of taking) {
      t.match(schema?.body, { type: 'object', additionalProperties: false }, `${method} ${url}`);
    }
  });
});

const INSIDES = 'SELECT password_hash FROM users; ECONNREFUSED 10.0.0.1:3306 /srv/rollcall/db.ts';

onEachEngine('A server error reveals no internals', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  const client = await signedIn(app, 'chief');

  const failures = [
    { what: 'an error', thrown: new Error(INSIDES), status: 500 },
    { what: 'an error with a code', thrown: Object.assign(new Error(INSIDES), { code: 'X' }), status: 500 },
    { what: 'a system error', thrown: Object.assign(new Error(INSIDES), { errno: -111 }), status: 500 },
    { what: 'a string', thrown: INSIDES, status: 500 },
    { what: 'undefined', thrown: undefined, status: 500 },
    { what: 'a lost database', thrown: new DatabaseUnavailableError(INSIDES), status: 503 },
  ];
  for (const { what, thrown, status } of failures) {
    t.test(`A route that throws ${what} answers ${status} and reveals no internals`, async (t) => {
      const fail = async () => {
        throw thrown;
      };
      t.capture(app.db.users, 'page', fail);
      t.capture(app.db.users, 'findCredentials', fail);
      t.capture(app.db.groups, 'find', fail);
      const responses = [
        await client.request('GET', '/api/users'),
        await client.request('PATCH', '/api/groups/01900000-0000-7000-8000-000000000000', { title: 'x' }),
        await new Client(app).signIn('chief'),
      ];
      for (const response of responses) {
        t.equal(response.statusCode, status);
        t.match(response.headers['content-type'], 'application/problem+json');
        t.match(response.json(), { status, detail: /./, requestId: /./ });
        t.strictSame(Object.keys(response.json()), ['type', 'title', 'status', 'detail', 'requestId']);
        t.notMatch(response.payload, /SELECT|password|ECONN|\.ts|rollcall\/|stack/);
        t.equal(response.headers['retry-after'], status === 503 ? '1' : undefined);
        t.equal(response.headers['set-cookie'], undefined);
        t.equal(response.headers['cache-control'], 'no-store');
      }
      t.equal((await client.request('GET', '/api/sign')).statusCode, 200, 'the session stays valid');
    });
  }

  t.test('A database failure while the session is read answers 503, not 401', async (t) => {
    t.capture(app.db.sessions, 'find', async () => {
      throw new DatabaseUnavailableError(INSIDES);
    });
    const { cookie } = client;
    const responses = [
      await client.request('GET', '/api/sign'),
      await client.request('GET', '/api/users'),
      await client.request('POST', '/api/sign/in', { username: 'chief', password: 'wrong' }),
    ];
    for (const response of responses) {
      t.equal(response.statusCode, 503);
      t.equal(response.headers['set-cookie'], undefined);
    }
    t.equal(client.cookie, cookie);
    t.equal((await client.request('GET', '/')).statusCode, 200, 'a public route is served');
  });
});

/** The response to a write is built from what was written, so it needs no read after the commit. */
onEachEngine('A write succeeds although the database is lost after it', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  const admin = await signedIn(app, 'chief');

  t.test('POST user answers 201 although the database is lost after the commit', async (t) => {
    const find = t.capture(app.db.users, 'find', async () => {
      throw new DatabaseUnavailableError('away');
    });
    const payload = { username: 'ann', password: 'correct horse' };
    const response = await admin.request('POST', '/api/users', payload);
    find.restore();
    t.equal(response.statusCode, 201);
    t.match(response.json(), { username: 'ann' });
    t.ok(await app.db.users.findCredentials('ann'), 'the user is stored');
  });
});
