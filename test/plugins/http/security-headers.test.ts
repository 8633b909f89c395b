/**
 * Every answer carries the headers that tell browsers what they must not do with it, and its type with the character set. What is
 * behind sign-in or carries a secret is kept by no cache.
 */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { LightMyRequestResponse } from 'fastify';
import type { Test } from 'tap';
import { onEachEngine } from '../../support/engines.ts';
import { ROWS } from '../../support/permitted.ts';
import { namesOf, routesDuring } from '../../support/routes.ts';
import { prepare, routeOf } from '../../support/rows.ts';
import { quickHashing, startService } from '../../support/service.ts';

const POLICY = "default-src 'none'; frame-ancestors 'none'";
const HSTS = 'max-age=31536000; includeSubDomains';
const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};
const JSON_TYPE = /^application\/(problem\+)?json; charset=utf-8$/;

/** Answers that no route of the matrix gives. */
const OTHERS = [
  { url: '/nowhere', status: 404 },
  { url: '/%zz', status: 400 },
  { url: `/api/users/${'x'.repeat(200)}`, status: 414 },
  { method: 'PUT', url: '/api/users', status: 405 },
  { method: 'OPTIONS', url: '/api/users', status: 204 },
  { method: 'HEAD', url: '/api/users', status: 401 },
  { method: 'POST', url: '/api/sign/in', payload: 'x'.repeat(70_000), status: 413 },
  { method: 'POST', url: '/api/sign/in', payload: '{', status: 400 },
  { method: 'POST', url: '/api/sign/out', headers: { 'sec-fetch-site': 'cross-site' }, status: 403 },
  { url: '/openapi.json', status: 200 },
] as const;

function assertHeaders(t: Test, { headers, payload }: LightMyRequestResponse, what: string): void {
  t.match(headers, HEADERS, what);
  if (payload !== '') t.match(headers['content-type'], JSON_TYPE, what);
}

onEachEngine('Every answer has the headers of security', async (t, engine) => {
  const settings = { SIGN_UP: 'open' as const, DOCS: true };
  const { routes, made } = await routesDuring(() =>
    startService(t, engine, { settings, hashing: quickHashing }),
  );
  const { app } = made;
  const guarded = new Set(namesOf(routes.filter(({ config }) => !config?.anonymous)));
  t.ok(guarded.size >= 20, `${guarded.size} routes`);

  t.test('Every route, to callers who may and who may not', async (t) => {
    for (const row of ROWS)
      for (const caller of ['administrator', 'anonymous'] as const) {
        const response = await (await prepare(app, row, caller))();
        const what = `${caller}: ${row.send} is ${response.statusCode}`;
        assertHeaders(t, response, what);
        // Every change is behind sign-in, or its answer follows from a password or a code.
        if (guarded.has(routeOf(row)) || !row.send.startsWith('GET '))
          t.equal(response.headers['cache-control'], 'no-store', what);
      }
  });

  t.test('Answers that no route gives', async (t) => {
    for (const { status, ...request } of OTHERS) {
      const response = await app.inject({ headers: { 'content-type': 'application/json' }, ...request });
      t.equal(response.statusCode, status, response.payload);
      assertHeaders(t, response, request.url);
    }
  });

  t.test('The page to try the API has a policy that lets it load its own files only', async (t) => {
    for (const [url, type] of [
      ['/docs/', /^text\/html; charset=utf-8$/],
      ['/docs/static/swagger-ui.css', /^text\/css; charset=utf-8$/i],
      ['/docs/static/swagger-ui-bundle.js', /javascript; charset=utf-8$/i],
    ] as const) {
      const { headers, statusCode } = await app.inject(url);
      const { 'content-security-policy': _policy, ...others } = HEADERS;
      t.equal(statusCode, 200, url);
      t.match(headers, { ...others, 'content-type': type }, url);
      const policy = String(headers['content-security-policy']);
      for (const part of [
        "default-src 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'",
        "script-src-attr 'none'",
      ])
        t.ok(policy.includes(part), `${policy} has ${part}`);
      t.notMatch(policy, /https?:|unsafe-eval|\*|script-src[^;]*unsafe-inline/);
    }
    const refused = await app.inject('/docs/static/%00');
    t.equal(refused.statusCode, 403);
    t.match(refused.headers, { 'x-content-type-options': 'nosniff', 'content-type': JSON_TYPE });
  });
});

onEachEngine('Browsers are told to use HTTPS in production', async (t, engine) => {
  const databaseUrl = await engine.makeDatabase(t);
  for (const { NODE_ENV, sent } of [
    { NODE_ENV: 'production', sent: HSTS },
    { NODE_ENV: 'development', sent: undefined },
  ] as const) {
    const { app } = await startService(t, engine, { databaseUrl, settings: { NODE_ENV } });
    for (const url of ['/', '/nowhere', '/%zz', '/api/users'])
      t.equal((await app.inject(url)).headers['strict-transport-security'], sent, `${NODE_ENV}: ${url}`);

    const port = Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port);
    for (const broken of [
      'no HTTP at all\r\n\r\n',
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    ]) {
      const socket = connect(port, '127.0.0.1');
      socket.write(broken);
      const answer = await text(socket);
      for (const [name, value] of Object.entries(HEADERS))
        t.ok(answer.includes(`\r\n${name}: ${value}\r\n`), answer);
      t.equal(answer.includes(`\r\nstrict-transport-security: ${HSTS}\r\n`), sent !== undefined, answer);
      t.match(answer, /\r\n\r\n\{"type":"urn:rollcall:problem:/, 'the body follows the headers');
    }
  }
});
