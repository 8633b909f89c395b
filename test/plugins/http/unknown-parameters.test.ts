/**
 * A query parameter that nobody declares answers 400 on every route under /api, after 401: a misspelt `?permission=` must not open a
 * door, and a misspelt filter must not list everything.
 */
import Fastify from 'fastify';
import { test } from 'tap';
import { Type } from 'typebox';
import sessionCookie from '../../../plugins/auth/session-cookie.ts';
import errors from '../../../plugins/http/errors.ts';
import routeTable from '../../../plugins/http/route-table.ts';
import securityHeaders from '../../../plugins/http/security-headers.ts';
import validation from '../../../plugins/http/validation.ts';
import { onEachEngine } from '../../support/engines.ts';
import { ROWS } from '../../support/permitted.ts';
import { prepare, type Row } from '../../support/rows.ts';
import { Client, makeUser, quickHashing, signedIn, startService } from '../../support/service.ts';

onEachEngine('Every route under /api refuses unknown query parameters', async (t, engine) => {
  const settings = { SIGN_UP: 'open' as const };
  const { app } = await startService(t, engine, { settings, hashing: quickHashing });

  for (const row of ROWS) {
    const { send: request, answers } = row;
    t.test(
      `${request} ${JSON.stringify(row.body) ?? ''} refuses an unknown parameter after 401`,
      async (t) => {
        const asked: Row = { ...row, send: `${request}${request.includes('?') ? '&' : '?'}misspelt=1` };
        for (const caller of ['anonymous', 'administrator'] as const) {
          const send = await prepare(app, asked, caller);
          const response = await send();
          const isOpen = !request.includes(' /api/');
          const expected = isOpen || answers[caller] === 401 ? answers[caller] : 400;
          t.equal(response.statusCode, expected, `${caller}: ${response.payload}`);
          if (request.startsWith('GET ')) t.equal((await send('HEAD')).statusCode, expected);
          if (expected !== 400) continue;
          t.match(response.json(), {
            type: 'urn:rollcall:problem:invalid',
            detail: /misspelt is not a parameter/,
            errors: [{ in: 'query', pointer: '/misspelt', code: 'unknown' }],
          });
        }
      },
    );
  }
});

onEachEngine(
  'An unknown query parameter is named together with the one that was meant',
  async (t, engine) => {
    const { app } = await startService(t, engine, { hashing: quickHashing });
    await makeUser(app, 'ann');
    const client = await signedIn(app, 'ann');

    // One longer than the names that are compared. It begins as one that is known would be abbreviated.
    const LONG = 'p'.repeat(33);
    const ask = 'is not a parameter of this; ';
    const cases: [string, Record<string, string>][] = [
      ['/api/sign/check?permissions=users:write', { '/permissions': `${ask}perhaps permission is meant` }],
      ['/api/sign/check?permissions=', { '/permissions': `${ask}perhaps permission is meant` }],
      ['/api/sign/check?permissions', { '/permissions': `${ask}perhaps permission is meant` }],
      ['/api/sign/check?Permission=users:write', { '/Permission': `${ask}perhaps permission is meant` }],
      ['/api/sign/check?perm=x', { '/perm': `${ask}perhaps permission is meant` }],
      ['/api/sign/check?groups=admins', { '/groups': `${ask}perhaps group is meant` }],
      ['/api/sign/check?permission[]=users:write', { '/permission[]': `${ask}perhaps permission is meant` }],
      ['/api/sign/check?%70ermission%20=x', { '/permission ': `${ask}perhaps permission is meant` }],
      ['/api/sign/check?foo=1', { '/foo': `${ask}these are: group, permission` }],
      [`/api/sign/check?${LONG}=x`, { [`/${LONG}`]: `${ask}these are: group, permission` }],
      ['/api/users?sort=-createdAt', { '/sort': `${ask}these are: limit, after, q, group, active` }],
      ['/api/groups?name=readers', { '/name': `${ask}these are: limit, after` }],
      ['/api/sign?limit=1', { '/limit': `${ask}there are none here` }],
      ['/api/sign?=1', { '/': `${ask}there are none here` }],
      ['/api/sign?__proto__=1', { '/__proto__': `${ask}there are none here` }],
      ['/api/sign?constructor=1', { '/constructor': `${ask}there are none here` }],
      [
        '/api/users?limits=1&limit=0&Q=a',
        {
          '/limits': `${ask}perhaps limit is meant`,
          '/Q': `${ask}perhaps q is meant`,
          '/limit': 'must be at least 1',
        },
      ],
    ];
    for (const [url, expected] of cases) {
      t.test(`GET ${url} answers 400`, async (t) => {
        const response = await client.request('GET', url);
        t.equal(response.statusCode, 400);
        const errors: { pointer: string; detail: string }[] = response.json().errors;
        t.strictSame(Object.fromEntries(errors.map(({ pointer, detail }) => [pointer, detail])), expected);
      });
    }

    t.test('A query without parameters is none', async (t) => {
      for (const url of ['/api/sign?', '/api/sign?&', '/api/users?&&'])
        t.equal((await client.request('GET', url)).statusCode, 200, url);
      t.equal((await client.request('GET', '/livez?probe=1')).statusCode, 200, 'it is not under /api');
    });

    t.test('At most 20 unknown parameters are told, however many there are', async (t) => {
      const query = Array.from({ length: 900 }, (_, n) => `${'p'.repeat(8)}${n}=1`).join('&');
      const response = await client.request('GET', `/api/users?${query}`);
      t.equal(response.statusCode, 400);
      t.equal(response.json().errors.length, 20);
    });

    t.test('The parameters that a request loader declares are known on every route', async (t) => {
      t.equal((await client.request('GET', '/api/users?ticket=1')).statusCode, 400);
      t.equal((await client.request('GET', '/api/users?hack=1')).statusCode, 400, 'without the setting');
      t.equal(
        (await new Client(app).request('GET', '/api/users?hack=1')).statusCode,
        401,
        'and before it 401',
      );
      app.addRequestLoader('ticket', () => undefined, { parameters: ['ticket', 'seat'] });
      for (const url of ['/api/users?ticket=1&seat=2', '/api/sign?ticket=1', '/api/sign/check?ticket=1'])
        t.match((await client.request('GET', url)).statusCode, /^20/, url);
      t.equal((await client.request('GET', '/api/sign?tickets=1')).statusCode, 400);

      const hack = await startService(t, engine, {
        settings: { AUTH_HACK_USER: 'bob' },
        hashing: quickHashing,
      });
      await makeUser(hack.app, 'bob');
      for (const url of ['/api/sign?hack=1', '/api/users?hack=1&limit=1'])
        t.equal((await new Client(hack.app).request('GET', url)).statusCode, 200, url);
      const bob = await signedIn(hack.app, 'bob');
      t.equal((await bob.request('GET', '/api/users?hack=1')).statusCode, 200, 'with a session, too');
    });
  },
);

test('A route under /api whose query is not described by one object is refused at the start', async (t) => {
  const app = Fastify();
  await app.register(sessionCookie, { keys: ['a key of the tests'], secure: false });
  await app.register(securityHeaders, { isProduction: false });
  for (const plugin of [routeTable, errors, validation]) await app.register(plugin);
  const querystring = Type.Intersect([
    Type.Object({ a: Type.Optional(Type.String()) }),
    Type.Object({ b: Type.Optional(Type.String()) }),
  ]);
  app.get('/api/odd', { schema: { querystring } }, async () => ({}));
  await t.rejects(async () => app.ready(), /The query of \/api\/odd must be described by one object/);
});
