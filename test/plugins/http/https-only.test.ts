/** In production, credentials and changes are taken over HTTPS only, as trusted proxies say. Anonymous reading and probes pass. */
import { onEachEngine } from '../../support/engines.ts';
import { hasTokens } from '../../support/optional.ts';
import {
  makeToken,
  makeUser,
  PASSWORD,
  quickHashing,
  signedIn,
  startService,
} from '../../support/service.ts';

const PROXY = '10.0.0.1';

onEachEngine('Credentials and changes need HTTPS in production', async (t, engine) => {
  const databaseUrl = await engine.makeDatabase(t);
  const options = { databaseUrl, hashing: quickHashing };
  const development = await startService(t, engine, options);
  await makeUser(development.app, 'ann');
  const { SECRET_KEY } = development.settings;
  const client = await signedIn(development.app, 'ann');
  const tokens = hasTokens ? [(await makeToken(client)).headers] : [];
  const cookie = { cookie: `__Host-${client.cookie}` };
  const production = { NODE_ENV: 'production' as const, SECRET_KEY, TRUST_PROXY: [PROXY] };
  const { app } = await startService(t, engine, { ...options, settings: production });

  const credentials = { username: 'ann', password: PASSWORD };
  /** The status over HTTPS; the one over plain HTTP is 403, unless it is given. */
  const requests = [
    { of: 'a session', url: '/api/sign', headers: cookie, https: 200 },
    {
      of: 'a session among other cookies',
      url: '/api/users',
      headers: { cookie: `a=b; ${cookie.cookie}` },
      https: 200,
    },
    ...tokens.map((headers) => ({ of: 'a token', url: '/api/users', headers, https: 200 })),
    { of: 'a token that is none', url: '/api/users', headers: { authorization: 'Bearer x' }, https: 401 },
    { of: 'a session, on a path without a route', url: '/nowhere', headers: cookie, https: 404 },
    { of: 'a session, on a public route', url: '/', headers: cookie, https: 200 },
    { of: 'a sign-in', method: 'POST', url: '/api/sign/in', payload: credentials, https: 200 },
    {
      of: 'a code',
      method: 'POST',
      url: '/api/sign/reset',
      payload: { code: 'x', password: PASSWORD },
      https: 400,
    },
    { of: 'anonymous reading', url: '/api/users', https: 401, http: 401 },
    { of: 'the index', url: '/', https: 200, http: 200 },
    { of: 'a probe', url: '/livez', https: 200, http: 200 },
    { of: 'another probe', url: '/readyz', https: 200, http: 200 },
    { of: 'OPTIONS', method: 'OPTIONS', url: '/api/users', https: 204, http: 204 },
    {
      of: "another service's cookie",
      url: '/api/users',
      headers: { cookie: 'rollcall=x' },
      https: 401,
      http: 401,
    },
  ] as const;
  /** How a request comes, and whether that is HTTPS. */
  const ways = [
    {
      by: 'a trusted proxy that says https',
      remoteAddress: PROXY,
      more: { 'x-forwarded-proto': 'https' },
      secure: true,
    },
    {
      by: 'a trusted proxy that says http',
      remoteAddress: PROXY,
      more: { 'x-forwarded-proto': 'http' },
      secure: false,
    },
    { by: 'a trusted proxy that says nothing', remoteAddress: PROXY, more: {}, secure: false },
    {
      by: 'a client that claims https',
      remoteAddress: '192.0.2.7',
      more: { 'x-forwarded-proto': 'https' },
      secure: false,
    },
  ];
  for (const each of requests) {
    const { of, https, http, headers, ...request } = { http: 403, headers: {}, ...each };
    t.test(`In production, ${of} is answered ${https} over HTTPS and ${http} over plain HTTP`, async (t) => {
      for (const { by, remoteAddress, more, secure } of ways) {
        const response = await app.inject({ ...request, remoteAddress, headers: { ...headers, ...more } });
        t.equal(response.statusCode, secure ? https : http, `by ${by}: ${response.payload}`);
        if (secure || http !== 403) continue;
        t.match(response.json(), {
          type: 'urn:rollcall:problem:https-required',
          detail: /TRUST_PROXY.*X-Forwarded-Proto/,
        });
        t.equal(response.headers['set-cookie'], undefined);
      }
    });
  }

  t.test('In development, plain HTTP is enough', async (t) => {
    for (const headers of [{ cookie: client.cookie ?? '' }, ...tokens])
      t.equal((await development.app.inject({ url: '/api/users', headers })).statusCode, 200);
  });
});
