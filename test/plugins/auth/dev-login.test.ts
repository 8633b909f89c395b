/**
 * The dev-login (AUTH_HACK_USER and `?hack=1`) authenticates one user without a password. It works only where the setting
 * is given, and never in production.
 */
import { makeSecret } from '../../../config/secret.ts';
import { onEachEngine } from '../../support/engines.ts';
import { runServer } from '../../support/processes.ts';
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

  t.test('?hack=1 authenticates the user of AUTH_HACK_USER, outside production only (case 11)', async (t) => {
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

    const DATABASE_URL = await engine.makeDatabase(t);
    const production = { ...settings, NODE_ENV: 'production', SECRET_KEY: makeSecret(), DATABASE_URL };
    const { code, stderr } = await runServer(production);
    t.equal(code, 1);
    t.match(stderr, /AUTH_HACK_USER.*never be given in production/);
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
