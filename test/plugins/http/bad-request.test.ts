/** Invalid paths, parameters, methods and headers answer 4xx, never 5xx. */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { onEachEngine } from '../../support/engines.ts';
import { DEADLINE } from '../../support/running.ts';
import { Client, makeUser, quickHashing, signedIn, startService } from '../../support/service.ts';

const UNKNOWN = '01900000-0000-7000-8000-000000000000';

const INVALID_IDS = [
  'x',
  '1',
  '*',
  '%00',
  '%20',
  'null',
  '%F0%9F%A6%8A',
  "'%20OR%201=1--",
  '..%2f..',
  UNKNOWN.replaceAll('-', ''),
  UNKNOWN.replace('-7', '-4'),
  UNKNOWN.replace('-8', '-c'),
  UNKNOWN.replace('01', '0G'),
  UNKNOWN.replace('0', '\u0410'.toLowerCase()),
  `${UNKNOWN}0`,
  `%20${UNKNOWN}`,
  `${UNKNOWN}%0a`,
  UNKNOWN.replace('0', '%EF%BC%90'),
];

onEachEngine('A bad request answers 4xx', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  const client = await signedIn(app, 'chief');
  const group = (await app.db.groups.findByName('admins'))?.id;
  const writes = t.capture(app.db, 'atomically', app.db.atomically);

  const paths = [
    { of: 'GET', prefix: '/api/users/', pointer: '/id' },
    { of: 'PATCH', prefix: '/api/users/', payload: { name: 'x' }, pointer: '/id' },
    { of: 'DELETE', prefix: '/api/users/', pointer: '/id' },
    { of: 'GET', prefix: '/api/groups/', pointer: '/id' },
    { of: 'PATCH', prefix: '/api/groups/', payload: { title: 'x' }, pointer: '/id' },
    { of: 'DELETE', prefix: '/api/groups/', pointer: '/id' },
    { of: 'GET', prefix: '/api/groups/', suffix: '/members', pointer: '/id' },
    {
      of: 'PUT',
      prefix: `/api/groups/${group}/members/`,
      payload: { role: 'member' },
      pointer: '/userId',
    },
    { of: 'DELETE', prefix: `/api/groups/${group}/members/`, pointer: '/userId' },
    { of: 'DELETE', prefix: '/api/groups/', suffix: `/members/${UNKNOWN}`, pointer: '/id' },
  ];
  for (const { of, prefix, suffix = '', payload, pointer } of paths) {
    const route = `${of} ${prefix}…${suffix}`.replaceAll(/[0-9a-f-]{36}/g, '…');
    t.test(`${route} rejects an invalid id`, async (t) => {
      for (const id of INVALID_IDS) {
        const response = await client.request(of, `${prefix}${id}${suffix}`, payload);
        t.equal(response.statusCode, 400, `${id} is rejected`);
        t.match(response.headers['content-type'], 'application/problem+json');
        t.match(response.json(), { errors: [{ in: 'path', pointer, detail: /^must be an id/ }] });
      }
    });
  }

  const limits = ['0', '-1', '101', '1.5', 'x', '', '1e99', 'NaN', 'Infinity', 'true', '2%00', '%EF%BC%92'];
  const queries = [
    { pointer: '/limit', values: [...limits, '1&limit=2', '9007199254740993', '%', '%zz', '%ED%A0%80'] },
    { pointer: '/after', values: [...INVALID_IDS, '', `${UNKNOWN}&after=${UNKNOWN}`, '%', '%ED%A0%80'] },
  ];
  for (const list of ['/api/users', '/api/groups', `/api/groups/${group}/members`]) {
    for (const { pointer, values } of queries) {
      t.test(`GET ${list.replace(group ?? '', '…')} rejects an invalid ${pointer.slice(1)}`, async (t) => {
        for (const value of values) {
          const response = await client.request('GET', `${list}?${pointer.slice(1)}=${value}`);
          t.equal(response.statusCode, 400, `${value} is rejected`);
          t.match(response.headers['content-type'], 'application/problem+json');
          t.match(response.json(), { errors: [{ in: 'query', pointer, detail: /./ }] });
        }
      });
    }
  }

  for (const path of [
    '/%',
    '/%zz',
    '/api/users/%',
    '/api/users/%E0%A4%A',
    '/api/users/%ED%A0%80',
    '/%c0%80',
  ]) {
    t.test(`The path ${path} is rejected, because its percent-encoding is invalid`, async (t) => {
      for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
        const response = await client.request(method, path);
        t.equal(response.statusCode, 400, method);
        t.match(response.headers['content-type'], 'application/problem+json');
        t.match(response.json(), { status: 400, requestId: /./ });
      }
    });
  }

  for (const prefix of ['/', '/api/', '/api/users/', '/api/groups/', `/api/groups/${group}/members/`]) {
    t.test(`A very long path below ${prefix.replace(group ?? '', '…')} is rejected`, async (t) => {
      for (const part of ['x', '/', 'x/', '%F0%9F%A6%8A', '../', ';']) {
        const response = await client.request('DELETE', prefix + part.repeat(4_000));
        t.match(response.statusCode, /^4(00|04|05|14)$/, `${part} answers ${response.statusCode}`);
        t.match(response.headers['content-type'], 'application/problem+json');
        t.match(response.json(), { status: response.statusCode, requestId: /./ });
      }
    });
  }

  const methods = [
    { path: '/', methods: ['POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND'] },
    { path: '/api/users', methods: ['PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND'] },
    { path: `/api/users/${UNKNOWN}`, methods: ['PUT', 'POST', 'TRACE'] },
    { path: `/api/users/${'x'.repeat(5_000)}`, methods: ['TRACE', 'PROPFIND'] },
    { path: '/api/sign/in', methods: ['GET', 'PUT', 'DELETE', 'PATCH', 'TRACE'] },
    { path: '/api/sign/out', methods: ['GET', 'PUT', 'DELETE'] },
    { path: `/api/groups/${group}/members`, methods: ['POST', 'PUT', 'PATCH', 'DELETE'] },
    { path: `/api/groups/${group}/members/${UNKNOWN}`, methods: ['GET', 'POST', 'PATCH'] },
  ];
  for (const { path, methods: refused } of methods) {
    t.test(`${path.replace(group ?? '', '…').slice(0, 40)} answers 405 to unsupported methods`, async (t) => {
      for (const method of refused) {
        const response = await client.request(method, path);
        t.equal(response.statusCode, 405, method);
        t.match(response.headers['content-type'], 'application/problem+json');
        t.match(response.headers.allow, /^[A-Z]+(, [A-Z]+)*, OPTIONS$/);
        t.notMatch(String(response.headers.allow), method, 'Allow does not name the method');
      }
      t.equal((await client.request('OPTIONS', path)).statusCode, 204);
    });
  }

  t.test('Any method on an unknown path answers 404', async (t) => {
    for (const method of ['TRACE', 'OPTIONS']) {
      const response = await client.request(method, '/nowhere');
      t.equal(response.statusCode, 404, method);
      t.match(response.headers['content-type'], 'application/problem+json');
    }
  });

  t.test('HEAD answers with the status of GET and no body', async (t) => {
    const heads = [
      { path: '/nowhere', status: 404 },
      { path: '/api/users/x', status: 400 },
      { path: `/api/users/${UNKNOWN}`, status: 404 },
      { path: '/api/users?limit=0', status: 400 },
      { path: '/api/sign/in', status: 405 },
    ];
    for (const { path, status } of heads) {
      const response = await client.request('HEAD', path);
      t.equal(response.statusCode, status, path);
      t.equal(response.payload, '');
    }
    t.equal((await new Client(app).request('HEAD', '/api/users')).statusCode, 401);
  });

  t.test('A request whose Content-Length is wrong answers 400', async (t) => {
    for (const length of ['1', '100']) {
      const headers = { 'content-type': 'application/json', 'content-length': length };
      const response = await client.request('POST', '/api/groups', '{"name":"length"}', headers);
      t.equal(response.statusCode, 400, length);
      t.match(response.headers['content-type'], 'application/problem+json');
    }
  });

  t.test('A body that is not UTF-8 answers 400', async (t) => {
    const headers = { 'content-type': 'application/json' };
    const body = Buffer.from('{"name":"team","title":"caf\xe9"}', 'latin1');
    const response = await client.request('POST', '/api/groups', body, headers);
    t.equal(response.statusCode, 400);
    t.match(response.json(), { detail: /UTF-8/ });
  });

  t.test('A request with a malformed cookie is anonymous', async (t) => {
    for (const cookie of [
      'rollcall',
      'rollcall=',
      '=',
      ';;;',
      'rollcall=%zz',
      `rollcall=${'x'.repeat(8_000)}`,
    ]) {
      const client = new Client(app);
      client.cookie = cookie;
      t.equal((await client.request('GET', '/api/users')).statusCode, 401, cookie.slice(0, 40));
      t.equal((await client.request('GET', '/')).statusCode, 200);
      t.equal((await client.request('POST', '/api/sign/in', {})).statusCode, 400);
    }
  });

  t.test('Rejected requests write nothing to the database', async (t) => {
    t.equal(writes().length, 0);
  });

  t.test('A request with a Content-Type but no body is answered', async (t) => {
    await app.listen({ host: '127.0.0.1', port: 0 });
    const address = app.server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    for (const [what, status] of [
      ['POST /api/sign/out', 204],
      ['POST /api/sign/in', 400],
      ['POST /nothing', 404],
      ['OPTIONS /api/users', 204],
    ] as const) {
      const socket = connect(port, '127.0.0.1');
      // HTTP libraries always send Content-Length, so the request is written by hand without it.
      socket.setTimeout(DEADLINE, () => socket.destroy(new Error(`${what} is not answered`)));
      socket.write(
        `${what} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n`,
      );
      t.match(await text(socket), `HTTP/1.1 ${status} `, what);
    }
  });
});
