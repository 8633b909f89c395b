/** Pages of the origins in ORIGINS may call the API and read its answers (CORS). All others get no header that lets them. */
import type { LightMyRequestResponse } from 'fastify';
import { onEachEngine } from '../../support/engines.ts';
import { Client, makeUser, PASSWORD, quickHashing, signedIn, startService } from '../../support/service.ts';

const LISTED = 'https://app.example.org';
const ORIGINS = [LISTED, 'http://localhost:5173'];
const OTHERS = [
  'https://evil.example',
  'null',
  `${LISTED}:8443`,
  'http://app.example.org',
  `${LISTED}.evil.example`,
];
const PREFLIGHT = { 'access-control-request-method': 'PATCH', 'access-control-request-headers': 'if-match' };

const corsHeaders = ({ headers }: LightMyRequestResponse) =>
  Object.keys(headers).filter((name) => name.startsWith('access-control-'));

/** Answers of every kind. */
const ANSWERS = [
  { url: '/', status: 200 },
  { url: '/livez', status: 200 },
  { url: '/docs/', status: 200 },
  { url: '/docs/static/swagger-ui.css', status: 200 },
  { url: '/openapi.json', status: 200 },
  { url: '/api/users', status: 401 },
  { url: '/nowhere', status: 404 },
  { url: '/%zz', status: 400 },
  { url: `/api/users/${'x'.repeat(200)}`, status: 414 },
  { url: '/api/users?limit=x', status: 401 },
  { method: 'PUT', url: '/api/users', status: 405 },
  { method: 'POST', url: '/api/sign/in', payload: {}, status: 400 },
  { method: 'POST', url: '/api/sign/in', payload: { username: 'ann', password: PASSWORD }, status: 200 },
  { method: 'POST', url: '/api/sign/out', status: 204 },
] as const;

onEachEngine('Pages of listed origins may call with the session cookie', async (t, engine) => {
  const { app } = await startService(t, engine, { settings: { ORIGINS, DOCS: true }, hashing: quickHashing });
  await makeUser(app, 'ann');

  t.test('Every kind of answer names the listed origin, and says that it depends on it', async (t) => {
    for (const { status, ...request } of ANSWERS)
      for (const origin of ORIGINS) {
        const response = await app.inject({ ...request, headers: { origin, 'sec-fetch-site': 'same-site' } });
        t.equal(response.statusCode, status, `${request.url}: ${response.payload.slice(0, 200)}`);
        t.match(response.headers, {
          'access-control-allow-origin': origin,
          'access-control-allow-credentials': 'true',
          vary: /\bOrigin\b/,
        });
        const exposed = String(response.headers['access-control-expose-headers']).split(', ');
        for (const name of [
          'ETag',
          'Link',
          'Location',
          'Retry-After',
          'WWW-Authenticate',
          'X-Request-Id',
          'RateLimit',
        ])
          t.ok(exposed.includes(name), `${name} is exposed`);
      }
  });

  t.test('Other origins get no such header, and programs neither', async (t) => {
    for (const { status: _status, ...request } of ANSWERS)
      for (const headers of [...OTHERS.map((origin) => ({ origin })), {}]) {
        const response = await app.inject({ ...request, headers });
        t.strictSame(corsHeaders(response), [], `${request.url} ${JSON.stringify(headers)}`);
        t.match(response.headers.vary, /\bOrigin\b/);
      }
  });

  t.test('A preflight of a listed origin is answered with the methods and headers of the API', async (t) => {
    for (const url of ['/', '/api/users', '/api/groups/x/members/y', '/nowhere']) {
      const response = await app.inject({
        method: 'OPTIONS',
        url,
        headers: { origin: LISTED, ...PREFLIGHT },
      });
      t.equal(response.statusCode, 204, url);
      t.match(response.headers, {
        'access-control-allow-origin': LISTED,
        'access-control-allow-credentials': 'true',
        'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
        'access-control-allow-headers': 'Content-Type, Authorization, If-Match',
        'access-control-max-age': '600',
      });
    }
  });

  t.test('OPTIONS of a listed origin that is no preflight is no error', async (t) => {
    const response = await app.inject({ method: 'OPTIONS', url: '/api/users', headers: { origin: LISTED } });
    t.equal(response.statusCode, 204);
    t.match(response.headers, { 'access-control-allow-origin': LISTED });
  });

  t.test(
    'What is wrong with an OPTIONS is answered as a problem, and its body does not matter',
    async (t) => {
      const method = 'OPTIONS';
      const headers = { 'content-type': 'application/json' };
      for (const url of ['/api/users', '/api/sign/in'])
        for (const payload of ['[', 'x'.repeat(70_000)])
          t.equal(
            (await app.inject({ method, url, headers, payload })).statusCode,
            204,
            `${url} ${payload[0]}`,
          );
      const response = await app.inject({ method, url: '/api/users', headers: { ...headers, host: 'a b' } });
      t.match(response.json(), { status: 400, type: 'urn:rollcall:problem:malformed' });
      t.match(response.headers, {
        'content-type': /^application\/problem\+json/,
        'cache-control': 'no-store',
      });

      const { cookie = '' } = await signedIn(app, 'ann');
      t.intercept(app.db.sessions, 'find', {
        value: () => Promise.reject(new Error('a secret of the database')),
      });
      const failed = await app.inject({ method, url: '/api/users', headers: { cookie } });
      t.notMatch(failed.payload, /secret of the database/);
    },
  );

  t.test('A preflight of another origin gets no such header', async (t) => {
    for (const origin of OTHERS) {
      const response = await app.inject({
        method: 'OPTIONS',
        url: '/api/users',
        headers: { origin, ...PREFLIGHT },
      });
      t.strictSame(corsHeaders(response), [], origin);
      t.match(response.headers, { allow: 'GET, HEAD, POST, OPTIONS' });
    }
  });
});

onEachEngine('ORIGINS changes nothing for programs', async (t, engine) => {
  const databaseUrl = await engine.makeDatabase(t);
  const plain = await startService(t, engine, { databaseUrl });
  const listing = await startService(t, engine, { databaseUrl, settings: { ORIGINS } });
  for (const [method, url] of [
    ['OPTIONS', '/api/users'],
    ['OPTIONS', '/'],
    ['OPTIONS', '/nowhere'],
    ['OPTIONS', '/api/sign/out?x=1'],
    ['PUT', '/api/users'],
    ['GET', '/nowhere'],
    ['POST', '/nowhere'],
  ] as const) {
    const [one, other] = await Promise.all(
      [plain, listing].map(({ app }) => new Client(app).request(method, url)),
    );
    t.equal(other?.statusCode, one?.statusCode, `${method} ${url}`);
    t.equal(other?.headers.allow, one?.headers.allow, `${method} ${url}`);
    const { requestId: _one, ...body } = one?.payload ? one.json() : {};
    t.match(other?.payload ? other.json() : {}, body);
  }
  const response = await plain.app.inject({ url: '/', headers: { origin: LISTED } });
  t.strictSame(
    [corsHeaders(response), response.headers.vary],
    [[], undefined],
    'without ORIGINS there is no CORS',
  );
});
