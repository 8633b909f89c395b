/** Every answer carries the id of its request, which a trusted proxy may have given, and which the log and the audit trail have too. */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'tap';
import { engines, onEachEngine } from '../../support/engines.ts';
import { makeLog } from '../../support/log.ts';
import { Client, makeUser, quickHashing, signedIn, startService } from '../../support/service.ts';

onEachEngine('Every answer carries the id of its request', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing, settings: { DOCS: true } });
  await makeUser(app, 'chief', { admin: true });
  const client = await signedIn(app, 'chief');
  const cases = [
    ['GET', '/', 200],
    ['GET', '/readyz', 200],
    ['GET', '/openapi.json', 200],
    ['GET', '/docs', 200],
    ['GET', '/api/users', 200],
    ['HEAD', '/api/users', 200],
    ['GET', '/api/sign/check', 204],
    ['HEAD', '/api/sign/check', 204],
    ['POST', '/api/groups', 400],
    ['GET', '/api/users?limit=0', 400],
    ['GET', '/api/users/%zz', 400],
    ['GET', `/api/users/${'x'.repeat(200)}`, 414],
    ['GET', '/nowhere', 404],
    ['PUT', '/api/users', 405],
    ['OPTIONS', '/api/users', 204],
  ] as const;
  for (const [method, url, status] of cases) {
    t.test(`${method} ${url.slice(0, 20)} answers ${status} with X-Request-Id`, async (t) => {
      const ids = new Set<unknown>();
      for (let time = 0; time < 2; time++) {
        const response = await client.request(method, url, method === 'POST' ? {} : undefined);
        t.equal(response.statusCode, status);
        const id = response.headers['x-request-id'];
        t.match(id, /^[\w-]{8}-[0-9a-z]+$/);
        if (status >= 400) t.equal(response.json().requestId, id, 'the problem has the same');
        ids.add(id);
      }
      t.equal(ids.size, 2, 'each request has its own');
    });
  }

  t.test('A request that is no HTTP is answered with an id', async (t) => {
    await app.listen({ host: '127.0.0.1', port: 0 });
    const address = app.server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const socket = connect(port, '127.0.0.1');
    socket.write('nonsense\r\n\r\n');
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    t.match(head, `x-request-id: ${JSON.parse(body).requestId}`);
  });

  t.test('The audit trail has the id of the answer', async (t) => {
    const response = await client.request('POST', '/api/groups', { name: 'readers' });
    const { items } = (await client.request('GET', '/api/audit?event=group-created')).json();
    t.equal(items[0].requestId, response.headers['x-request-id']);
  });
});

const TAKEN = ['x', '7', '4bf92f3577b34da6a3ce929d0e0e4736', 'a.b_c~d:e+f/g=-', 'r'.repeat(64)];
const NOT_TAKEN = [
  '',
  ' ',
  'r'.repeat(65),
  'a b',
  'a,b',
  'one, two',
  'a"b',
  '<b>',
  'a\u00e9',
  'a\u0000b',
  '\u001b[0m',
  '{}',
  '%0a',
];

test('A well-formed id is taken from a trusted proxy, and from nobody else', async (t) => {
  const [engine] = engines;
  if (!engine) throw new Error('SQLite is always available.');
  const PROXY = '10.1.2.3';
  const services = [
    { TRUST_PROXY: false, proxy: PROXY, trusts: false },
    { TRUST_PROXY: true, proxy: PROXY, trusts: true },
    { TRUST_PROXY: ['10.0.0.0/8', 'loopback'], proxy: PROXY, trusts: true },
    { TRUST_PROXY: ['10.0.0.0/8', 'loopback'], proxy: `::ffff:${PROXY}`, trusts: true },
    { TRUST_PROXY: ['10.0.0.0/8', 'loopback'], proxy: '192.0.2.1', trusts: false },
  ];
  for (const { TRUST_PROXY, proxy, trusts } of services) {
    const name = `With TRUST_PROXY=${TRUST_PROXY} an id of ${proxy} is ${trusts ? '' : 'not '}taken`;
    await t.test(name, async (t) => {
      const { log, lines } = makeLog();
      const { app } = await startService(t, engine, {
        log,
        hashing: quickHashing,
        settings: { TRUST_PROXY, LOG_LEVEL: 'info' },
      });
      await makeUser(app, 'ann');
      for (const id of [...TAKEN, ...NOT_TAKEN]) {
        const isTaken = trusts && TAKEN.includes(id);
        const response = await app.inject({
          method: 'POST',
          url: '/api/sign/in',
          payload: { username: 'ann', password: 'wrong' },
          // The client behind the proxy is not who is asked whether it is trusted.
          headers: { 'x-request-id': id, 'x-forwarded-for': '127.0.0.1' },
          remoteAddress: proxy,
        });
        t.equal(response.headers['x-request-id'] === id, isTaken, JSON.stringify(id));
        t.equal(response.json().requestId, response.headers['x-request-id']);
        if (response.statusCode !== 401) continue;
        const [entry] = await app.db.audit.page({ event: 'sign-in-refused' }, '', 'g', 1);
        t.equal(entry?.requestId, response.headers['x-request-id']);
        t.ok(
          lines.some((line) => line.includes(`"requestId":"${entry?.requestId}"`)),
          'the log has it',
        );
      }
    });
  }

  await t.test('Two lines of X-Request-Id are no id', async (t) => {
    const { app } = await startService(t, engine, { settings: { TRUST_PROXY: true } });
    await app.listen({ host: '127.0.0.1', port: 0 });
    const address = app.server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const socket = connect(port, '127.0.0.1');
    socket.write(
      'GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: one\r\nX-Request-Id: two\r\nConnection: close\r\n\r\n',
    );
    t.match(await text(socket), /\r\nx-request-id: [\w-]{8}-/i);
    t.equal(
      (await new Client(app).request('GET', '/', undefined, { 'x-request-id': 'one' })).headers[
        'x-request-id'
      ],
      'one',
    );
  });
});
