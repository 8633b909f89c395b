/**
 * The dev-login (AUTH_HACK_USER and `?hack=1`) authenticates one user without a password. It works only where the setting
 * is given, and never in production: where it may be given is in config/settings.test.ts (case 11).
 */
import { onEachEngine } from '../../support/engines.ts';
import { startServer } from '../../support/processes.ts';
import {
  Client,
  makeUser,
  quickHashing,
  signedIn,
  startService,
  whoamiStatus,
} from '../../support/service.ts';

const OTHER_QUERIES = [
  '',
  '?hack',
  '?hack=',
  '?hack=0',
  '?hack=2',
  '?hack=true',
  '?hack=1&hack=1',
  '?Hack=1',
];

onEachEngine('The dev-login works only where it is configured', async (t, engine) => {
  const settings = { AUTH_HACK_USER: 'ann' };
  const hashing = quickHashing;

  t.test(
    '?hack=1 authenticates the user of AUTH_HACK_USER for requests that name this machine, never as fresh (case 11)',
    async (t) => {
      const plain = await startService(t, engine, { hashing });
      await makeUser(plain.app, 'ann');
      t.equal((await new Client(plain.app).request('GET', '/api/sign?hack=1')).statusCode, 401);

      const { app } = await startService(t, engine, { settings, hashing });
      const ann = await makeUser(app, 'ann', { admin: true });
      const writes = t.capture(app.db, 'atomically', app.db.atomically);
      const client = new Client(app);
      const response = await client.request('GET', '/api/sign?hack=1');
      t.equal(response.statusCode, 200);
      t.equal(response.headers['set-cookie'], undefined);
      t.match(response.json(), { user: { id: ann }, via: 'hack', fresh: false, permissions: ['*'] });
      t.notOk('session' in response.json(), 'no session is created');
      t.equal(writes().length, 0);
      t.equal(await whoamiStatus(client), 401, 'the next request is anonymous');
      for (const query of OTHER_QUERIES) {
        t.equal((await new Client(app).request('GET', `/api/sign${query}`)).statusCode, 401, `"${query}"`);
      }

      for (const host of [
        'evil.example:5000',
        'localhost.evil.example',
        '127.0.0.1.evil.example',
        '192.0.2.1',
      ])
        t.equal((await client.request('GET', '/api/sign?hack=1', undefined, { host })).statusCode, 401, host);
      for (const host of ['LOCALHOST', '127.0.0.1:5000', '127.8.8.8', '[::1]:5000', '[::1]'])
        t.equal((await client.request('GET', '/api/sign?hack=1', undefined, { host })).statusCode, 200, host);

      // No freshness either, although the user holds everything.
      const made = await client.request('POST', '/api/users?hack=1', { username: 'new' });
      t.match(made.json(), { status: 403, type: 'urn:rollcall:problem:confirm' });
    },
  );

  t.test('AUTH_HACK_USER and TRUST_PROXY=true are warned of once a start, not once a worker', async (t) => {
    const DATABASE_URL = await engine.makeDatabase(t);
    const environment = { AUTO_MIGRATE: 'true', TRUST_PROXY: 'true', NODE_ENV: 'development', WORKERS: '2' };
    const server = await startServer(t, { environment: { ...settings, ...environment, DATABASE_URL } });
    t.equal((await server.stop()).code, 0);
    const warnings = server.log().filter(({ level }) => level === 40);
    t.match(
      warnings.map(({ msg }) => msg),
      [/^AUTH_HACK_USER is set: \?hack=1 authenticates as ann/, /^TRUST_PROXY is true: /],
    );
    t.equal(warnings.length, 2);
  });

  t.test('A session takes precedence over ?hack=1', async (t) => {
    const { app } = await startService(t, engine, { settings, hashing });
    await makeUser(app, 'ann', { admin: true });
    await makeUser(app, 'bob');
    const response = await (await signedIn(app, 'bob')).request('GET', '/api/sign?hack=1');
    t.match(response.json(), { user: { username: 'bob' }, via: 'session' });
  });

  t.test('?hack=1 answers 401 when the user is disabled or unknown', async (t) => {
    const { app } = await startService(t, engine, { settings, hashing });
    t.equal((await new Client(app).request('GET', '/api/sign?hack=1')).statusCode, 401);
    await makeUser(app, 'ann', { active: false });
    t.equal((await new Client(app).request('GET', '/api/sign?hack=1')).statusCode, 401);
  });
});
