/** What every answer owes its reader: a shape that is written down, and, when we fail, nothing of our insides. */
import { DatabaseUnavailableError } from '../../db/engines/engine.ts';
import { onEachEngine } from '../support/engines.ts';
import { routesDuring } from '../support/routes.ts';
import { Client, makeUser, signedIn, startService } from '../support/service.ts';

/** What is asked for without saying more. */
const WITHOUT_BODY = ['/api/sign/out', '/api/users/:id/reset'];

onEachEngine('every route', async (t, engine) => {
  const { routes } = await routesDuring(() => startService(t, engine));

  t.test('has a schema for what it answers, for problems too', async (t) => {
    t.ok(routes.length >= 15, `${routes.length} routes`);
    for (const { method, url, schema } of routes) {
      const response: unknown = schema?.response;
      const answered = typeof response === 'object' && response !== null ? Object.keys(response) : [];
      const name = `${[method].flat().join(', ')} ${url}`;
      t.ok(
        answered.some((status) => /^2\d\d$/.test(status)),
        `${name}: when all is well`,
      );
      for (const status of ['4xx', '5xx']) t.ok(answered.includes(status), `${name}: ${status}`);
    }
  });

  t.test('that takes a body has a schema for it, and refuses other fields', async (t) => {
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

onEachEngine('a failure of ours', async (t, engine) => {
  const { app } = await startService(t, engine);
  await makeUser(app, 'chief', { admin: true });
  const client = await signedIn(app, 'chief');

  const failures = [
    { what: 'an error', thrown: new Error(INSIDES), status: 500 },
    { what: 'an error with a code', thrown: Object.assign(new Error(INSIDES), { code: 'X' }), status: 500 },
    { what: 'a system error', thrown: Object.assign(new Error(INSIDES), { errno: -111 }), status: 500 },
    { what: 'a text', thrown: INSIDES, status: 500 },
    { what: 'nothing', thrown: undefined, status: 500 },
    { what: 'a lost database', thrown: new DatabaseUnavailableError(INSIDES), status: 503 },
  ];
  for (const { what, thrown, status } of failures) {
    t.test(`by throwing ${what} is a ${status} that tells nothing of it`, async (t) => {
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
      t.equal((await client.request('GET', '/api/sign')).statusCode, 200, 'and the session lives on');
    });
  }

  t.test('while the session is read is a 503, not a 401 that would make clients sign in anew', async (t) => {
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
    t.equal((await client.request('GET', '/')).statusCode, 200, 'what needs nobody is served');
  });
});

/** The answer to a change is made of what was written: nothing is read for it that may be away or gone by then. */
onEachEngine('a change that is made just before the database goes away', async (t, engine) => {
  const { app } = await startService(t, engine);
  await makeUser(app, 'chief', { admin: true });
  const admin = await signedIn(app, 'chief');

  t.test('is answered as made', async (t) => {
    const find = t.capture(app.db.users, 'find', async () => {
      throw new DatabaseUnavailableError('away');
    });
    const payload = { username: 'ann', password: 'correct horse' };
    const response = await admin.request('POST', '/api/users', payload);
    find.restore();
    t.equal(response.statusCode, 201);
    t.match(response.json(), { username: 'ann' });
    t.ok(await app.db.users.findCredentials('ann'), 'and it was');
  });
});
