/** What a team may do wrongly with the plugins of authentication fails at once, and lets nobody in. */
import { createHmac } from 'node:crypto';
import fastifyCookie from '@fastify/cookie';
import Fastify from 'fastify';
import { type Test, test } from 'tap';
import { userOf } from '../../../accounts/actor.ts';
import { keyOf } from '../../../accounts/secrets.ts';
import { makeId } from '../../../db/ids.ts';
import authenticate from '../../../plugins/auth/authenticate.ts';
import guards from '../../../plugins/auth/guards.ts';
import sessionCookie from '../../../plugins/auth/session-cookie.ts';
import database from '../../../plugins/database.ts';
import health from '../../../plugins/health.ts';
import errors from '../../../plugins/http/errors.ts';
import routeTable from '../../../plugins/http/route-table.ts';
import securityHeaders from '../../../plugins/http/security-headers.ts';
import validation from '../../../plugins/http/validation.ts';
import refusals from '../../../plugins/refusals.ts';
import { onEachEngine } from '../../support/engines.ts';
import { newPath, openServing } from '../../support/files.ts';
import { startService } from '../../support/service.ts';

/** @returns an app of these plugins alone, to which routes can be added. */
async function makeApp(t: Test, keys: string[]) {
  const { db } = await openServing(t, `sqlite:${newPath(t)}`);
  const app = Fastify();
  // Which writes cookies only once it is registered, as the service does for signing in.
  await app.register(fastifyCookie);
  await app.register(sessionCookie, { keys, secure: false });
  await app.register(securityHeaders, { isProduction: false });
  for (const plugin of [routeTable, errors, validation]) await app.register(plugin);
  await app.register(database, { database: db });
  await app.register(health);
  await app.register(authenticate, { limits: { idle: 60, lifetime: 60, remember: 60, most: 1 } });
  await app.register(refusals);
  await app.register(guards);
  return app;
}

test('A route that asks who its user is, and has no guard, answers anonymous callers 500', async (t) => {
  const app = await makeApp(t, ['a key of the tests']);
  let served = 0;
  app.get('/caller', async (request) => ({ id: request.caller().id, served: ++served }));
  app.get('/actor', async (request) => ({ id: userOf(request.actor()).id, served: ++served }));
  app.get('/cookie', async (_request, reply) => {
    reply.sendSessionCookie('a secret');
    return { served: ++served };
  });
  for (const url of ['/caller', '/actor', '/cookie']) {
    const answer = await app.inject(url);
    t.equal(answer.statusCode, 500, url);
    t.match(answer.json(), { type: 'urn:rollcall:problem:internal' });
  }
  t.equal(served, 0, 'no handler went on');
});

test('A cookie of an older key is sent anew beside other cookies of the answer, which no cache may keep', async (t) => {
  const app = await makeApp(t, ['the newest key', 'an older key']);
  app.get('/open', async (_request, reply) => {
    reply.header('set-cookie', 'theme=dark');
    return {};
  });
  app.get('/renewing', async (request, reply) => {
    reply.header('set-cookie', 'theme=dark').sendSessionCookie('another secret');
    return { id: request.caller().id };
  });
  const now = Date.now();
  const [id, secret] = [makeId(), app.sessionCookie.makeSecret()];
  const user = {
    id,
    username: 'ann',
    name: '',
    email: null,
    pendingEmail: null,
    active: true,
    passwordHash: null,
  };
  const times = { now, expiresAt: now + 60_000, endsAt: now + 60_000, remembered: false };
  const from = { address: '192.0.2.1', userAgent: 'test' };
  await app.db.atomically([
    app.db.users.add(user, now),
    app.db.sessions.add({ key: keyOf(secret), id: makeId(), userId: id, ...times, ...from }),
  ]);
  const signature = createHmac('sha256', 'an older key').update(secret).digest('base64url');
  for (const [url, sent] of Object.entries({ '/open': secret, '/renewing': 'another secret' })) {
    const answer = await app.inject({ url, headers: { cookie: `rollcall=${secret}.${signature}` } });
    t.equal(answer.statusCode, 200, answer.payload);
    const cookies = answer.cookies.map(({ name, value }) => `${name}=${value}`);
    t.strictSame(cookies.sort(), [`rollcall=${app.sessionCookie.sign(sent)}`, 'theme=dark'], url);
    t.equal(answer.headers['cache-control'], 'no-store');
  }
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
