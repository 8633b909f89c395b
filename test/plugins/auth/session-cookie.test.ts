/** The attributes of the session cookie and its lifetime in the browser protect it from theft. */
import type { LightMyRequestResponse } from 'fastify';
import { onEachEngine } from '../../support/engines.ts';
import { Client, makeUser, PASSWORD, quickHashing, signedIn, startService } from '../../support/service.ts';

const HTTPS = { 'x-forwarded-proto': 'https' };
const CREDENTIALS = { username: 'ann', password: PASSWORD };

/** @returns the cookie that the response sets, without its value. @throws when it does not set exactly one cookie. */
function onlyCookie({ cookies }: LightMyRequestResponse) {
  const [cookie, ...others] = cookies;
  if (!cookie || others.length > 0) throw new Error(`${cookies.length} cookies were set instead of one`);
  const { value, ...rest } = cookie;
  return rest;
}

onEachEngine('The session cookie in development has its attributes and lifetime', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'ann');
  const attributes = { name: 'rollcall', path: '/', httpOnly: true, sameSite: 'Lax' };

  t.test('The session cookie is HttpOnly and SameSite', async (t) => {
    const response = await new Client(app).signIn('ann');
    t.strictSame(onlyCookie(response), attributes);
  });

  t.test('A second sign-in sets one cookie with the same attributes', async (t) => {
    const client = await signedIn(app, 'ann');
    t.strictSame(onlyCookie(await client.signIn('ann')), attributes);
  });

  t.test('Sign-in with remember false sets a cookie without an expiry', async (t) => {
    const response = await new Client(app).signIn('ann', PASSWORD, { remember: false });
    t.strictSame(onlyCookie(response), attributes);
  });

  t.test('Sign-in without remember after one with remember sets a cookie without an expiry', async (t) => {
    const client = new Client(app);
    await client.signIn('ann', PASSWORD, { remember: true });
    t.strictSame(onlyCookie(await client.signIn('ann')), attributes);
  });
});

onEachEngine('The session cookie in production is set over HTTPS only', async (t, engine) => {
  let checks = 0;
  const hashing = {
    hash: quickHashing.hash,
    verify: (hashed: string | null | undefined, password: string) => {
      checks++;
      return quickHashing.verify(hashed, password);
    },
  };
  const { app, settings } = await startService(t, engine, {
    hashing,
    settings: { NODE_ENV: 'production', TRUST_PROXY: true },
  });
  await makeUser(app, 'ann');
  const attributes = { name: '__Host-rollcall', path: '/', httpOnly: true, sameSite: 'Lax', secure: true };

  t.test(
    'The session cookie is HttpOnly, SameSite, Secure, Path=/ and prefixed __Host- (case 15)',
    async (t) => {
      const client = new Client(app);
      const response = await client.request('POST', '/api/sign/in', CREDENTIALS, HTTPS);
      t.equal(response.statusCode, 200);
      t.strictSame(onlyCookie(response), attributes);
      t.equal((await client.request('GET', '/api/sign', undefined, HTTPS)).statusCode, 200);

      const out = await client.request('POST', '/api/sign/out', undefined, HTTPS);
      t.equal(out.statusCode, 204);
      t.match(onlyCookie(out), attributes, 'the cookie is cleared with the same attributes');
    },
  );

  t.test('Sign-in with remember adds an expiry to the same attributes', async (t) => {
    const payload = { ...CREDENTIALS, remember: true };
    const response = await new Client(app).request('POST', '/api/sign/in', payload, HTTPS);
    t.match(onlyCookie(response), { ...attributes, expires: Date });
  });

  t.test('A response that clears the cookie uses the attributes that browsers require', async (t) => {
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
    { over: 'HTTP behind a trusted proxy', headers: { 'x-forwarded-proto': 'http' } },
  ];
  for (const { over, headers } of plainHttp) {
    t.test(`Sign-in over ${over} answers 403 before any password is verified`, async (t) => {
      checks = 0;
      const response = await new Client(app).request('POST', '/api/sign/in', CREDENTIALS, headers);
      t.equal(response.statusCode, 403);
      t.match(response.headers['content-type'], 'application/problem+json');
      t.match(response.json(), { type: 'urn:rollcall:problem:https-required', detail: /TRUST_PROXY/ });
      t.equal(response.headers['set-cookie'], undefined);
      t.equal(checks, 0);
    });
  }

  t.test('Sign-in answers 403 when the proxy that claims HTTPS is not trusted', async (t) => {
    const { DATABASE_URL: databaseUrl } = settings;
    const withoutProxy = await startService(t, engine, { databaseUrl, settings: { NODE_ENV: 'production' } });
    const response = await new Client(withoutProxy.app).request('POST', '/api/sign/in', CREDENTIALS, HTTPS);
    t.equal(response.statusCode, 403);
    t.match(response.json(), { type: 'urn:rollcall:problem:https-required' });
  });
});
