/** The session cookie is what a thief would want: its attributes, its lifetime in the browser, and the keys behind it. */
import type { LightMyRequestResponse } from 'fastify';
import { makeHashing } from '../../accounts/passwords/hashing.ts';
import { onEachEngine } from '../support/engines.ts';
import { Client, makeUser, PASSWORD, signedIn, startService } from '../support/service.ts';

const HTTPS = { 'x-forwarded-proto': 'https' };
const CREDENTIALS = { username: 'ann', password: PASSWORD };

/** @returns the cookie that the response sets without its value. @throws when it does not set exactly one. */
function onlyCookie({ cookies }: LightMyRequestResponse) {
  const [cookie, ...others] = cookies;
  if (!cookie || others.length > 0) throw new Error(`${cookies.length} cookies were set instead of one`);
  const { value, ...rest } = cookie;
  return rest;
}

onEachEngine('the session cookie in development', async (t, engine) => {
  const { app } = await startService(t, engine);
  await makeUser(app, 'ann');
  const attributes = { name: 'rollcall', path: '/', httpOnly: true, sameSite: 'Lax' };

  t.test('is for HTTP only, for this site', async (t) => {
    const response = await new Client(app).signIn('ann');
    t.strictSame(onlyCookie(response), attributes);
  });

  t.test('is the same and the only one when a session is replaced', async (t) => {
    const client = await signedIn(app, 'ann');
    t.strictSame(onlyCookie(await client.signIn('ann')), attributes);
  });

  t.test('says nothing of a lifetime when remembering was declined', async (t) => {
    const response = await new Client(app).signIn('ann', PASSWORD, { remember: false });
    t.strictSame(onlyCookie(response), attributes);
  });

  t.test('ends with the browser again after a sign-in that declines what one before asked for', async (t) => {
    const client = new Client(app);
    await client.signIn('ann', PASSWORD, { remember: true });
    t.strictSame(onlyCookie(await client.signIn('ann')), attributes);
  });
});

onEachEngine('the session cookie in production', async (t, engine) => {
  const real = await makeHashing();
  let checks = 0;
  const hashing = {
    hash: real.hash,
    verify: (hashed: string | null | undefined, password: string) => {
      checks++;
      return real.verify(hashed, password);
    },
  };
  const { app, settings } = await startService(t, engine, {
    hashing,
    settings: { NODE_ENV: 'production', TRUST_PROXY: true },
  });
  await makeUser(app, 'ann');
  const attributes = { name: '__Host-rollcall', path: '/', httpOnly: true, sameSite: 'Lax', secure: true };

  t.test('case 15: HttpOnly, SameSite, Secure and __Host- in production, Path=/, no Domain', async (t) => {
    const client = new Client(app);
    const response = await client.request('POST', '/api/sign/in', CREDENTIALS, HTTPS);
    t.equal(response.statusCode, 200);
    t.strictSame(onlyCookie(response), attributes);
    t.equal((await client.request('GET', '/api/sign', undefined, HTTPS)).statusCode, 200);

    const out = await client.request('POST', '/api/sign/out', undefined, HTTPS);
    t.equal(out.statusCode, 204);
    t.match(onlyCookie(out), attributes, 'it is cleared with the attributes that it was set with');
  });

  t.test('keeps its attributes when it is to be remembered', async (t) => {
    const payload = { ...CREDENTIALS, remember: true };
    const response = await new Client(app).request('POST', '/api/sign/in', payload, HTTPS);
    t.match(onlyCookie(response), { ...attributes, expires: Date });
  });

  t.test('is never cleared in a way that a browser would ignore', async (t) => {
    const client = new Client(app);
    const secret = app.sessionCookie.makeSecret();
    client.cookie = `${app.sessionCookie.name}=${app.sessionCookie.sign(secret)}`;
    const wrong = { ...CREDENTIALS, password: 'wrong' };
    const response = await client.request('POST', '/api/sign/in', wrong, HTTPS);
    t.equal(response.statusCode, 401);
    for (const cookie of response.cookies) t.match(cookie, attributes);
  });

  const plainHttp = [
    { over: 'plain HTTP', headers: {} },
    { over: 'HTTP as the proxy says', headers: { 'x-forwarded-proto': 'http' } },
  ];
  for (const { over, headers } of plainHttp) {
    t.test(`is not given over ${over}, before any password is checked`, async (t) => {
      checks = 0;
      const response = await new Client(app).request('POST', '/api/sign/in', CREDENTIALS, headers);
      t.equal(response.statusCode, 400);
      t.match(response.headers['content-type'], 'application/problem+json');
      t.match(response.json(), { type: 'urn:rollcall:problem:https-required', detail: /TRUST_PROXY/ });
      t.equal(response.headers['set-cookie'], undefined);
      t.equal(checks, 0);
    });
  }

  t.test('is not given because of what a proxy says that is not trusted', async (t) => {
    const { DATABASE_URL: databaseUrl } = settings;
    const distrustful = await startService(t, engine, { databaseUrl, settings: { NODE_ENV: 'production' } });
    const response = await new Client(distrustful.app).request('POST', '/api/sign/in', CREDENTIALS, HTTPS);
    t.equal(response.statusCode, 400);
    t.match(response.json(), { type: 'urn:rollcall:problem:https-required' });
  });
});
