/** What a team may do wrongly with the plugins of authentication fails at once, and lets nobody in. */
import Fastify from 'fastify';
import { test } from 'tap';
import { userOf } from '../../../accounts/actor.ts';
import authenticate from '../../../plugins/auth/authenticate.ts';
import guards from '../../../plugins/auth/guards.ts';
import refusals from '../../../plugins/auth/refusals.ts';
import sessionCookie from '../../../plugins/auth/session-cookie.ts';
import database from '../../../plugins/database.ts';
import errors from '../../../plugins/http/errors.ts';
import routeTable from '../../../plugins/http/route-table.ts';
import validation from '../../../plugins/http/validation.ts';
import { onEachEngine } from '../../support/engines.ts';
import { newPath, openServing } from '../../support/files.ts';
import { startService } from '../../support/service.ts';

test('A route that asks who its user is, and has no guard, answers anonymous callers 500', async (t) => {
  const { db } = await openServing(t, `sqlite:${newPath(t)}`);
  const app = Fastify();
  await app.register(sessionCookie, { keys: ['a key of the tests'], secure: false });
  for (const plugin of [routeTable, errors, validation]) await app.register(plugin);
  await app.register(database, { database: db });
  await app.register(authenticate, { limits: { idle: 60, lifetime: 60, remember: 60, most: 1 } });
  await app.register(refusals);
  await app.register(guards);
  let served = 0;
  app.get('/caller', async (request) => ({ id: request.caller().id, served: ++served }));
  app.get('/actor', async (request) => ({ id: userOf(request.actor()).id, served: ++served }));
  for (const url of ['/caller', '/actor']) {
    const answer = await app.inject(url);
    t.equal(answer.statusCode, 500, url);
    t.match(answer.json(), { type: 'urn:rollcall:problem:internal' });
  }
  t.equal(served, 0, 'no handler went on');
});

onEachEngine('A service is refused what would make its credentials unsafe or nameless', async (t, engine) => {
  const { app, settings } = await startService(t, engine);
  const { DATABASE_URL: databaseUrl } = settings;
  await t.rejects(
    startService(t, engine, { databaseUrl, settings: { SECRET_KEY: [] } }),
    { message: 'The session cookie needs a key to sign with.' },
    'a service without a key does not start',
  );
  t.throws(() => app.addRequestLoader('a'.repeat(17), () => undefined), /longer than 16 characters/);
  t.doesNotThrow(() => app.addRequestLoader('a'.repeat(16), () => undefined));
});
