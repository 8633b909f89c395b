/** What callers are refused is one line of the log, which tells who, from where and what, without what they sent. */
import type { LightMyRequestResponse } from 'fastify';
import { stopTheClock } from '../support/clock.ts';
import { onEachEngine } from '../support/engines.ts';
import { makeLog } from '../support/log.ts';
import { hasTokens } from '../support/optional.ts';
import {
  Client,
  makeToken,
  makeUser,
  PASSWORD,
  quickHashing,
  signedIn,
  startService,
} from '../support/service.ts';

const SECRETS = {
  code: `rcc_${'c'.repeat(51)}`,
  bearer: `rc_${'b'.repeat(51)}`,
  cookie: `${'k'.repeat(43)}.${'s'.repeat(43)}`,
  password: 'a password that is wrong',
};
const MANY_FIELDS = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`field${n}`, 1]));
const UNKNOWN = '01900000-0000-7000-8000-000000000000';

interface Row {
  send: (from: Record<string, string>) => Promise<LightMyRequestResponse>;
  /** What the line says, and null when there must be none. */
  line: object | null;
}

onEachEngine('What callers are refused is a line of the log', async (t, engine) => {
  const { log, lines } = makeLog();
  const { app } = await startService(t, engine, {
    hashing: quickHashing,
    log,
    settings: { TRUST_PROXY: true, LOG_LEVEL: 'info' },
  });
  const chief = await makeUser(app, 'chief', { admin: true });
  const ann = await makeUser(app, 'ann');
  const [admin, client, gone] = [
    await signedIn(app, 'chief'),
    await signedIn(app, 'ann'),
    await signedIn(app, 'ann'),
  ];
  const { cookie } = gone;
  await gone.request('POST', '/api/sign/out');
  const token = hasTokens ? await makeToken(admin, { scopes: ['audit:read'] }) : undefined;
  const nobody = new Client(app);
  const users = '/api/users';

  const rows: Record<string, Row> = {
    'a missing permission': {
      send: (from) => client.request('POST', users, { username: 'new' }, from),
      line: {
        problem: 'missing-permission',
        status: 403,
        method: 'POST',
        route: users,
        actor: ann,
        via: 'session',
      },
    },
    'a field that the caller may not set': {
      send: (from) => client.request('PATCH', `${users}/${ann}`, { active: false }, from),
      line: {
        problem: 'missing-permission',
        status: 403,
        route: '/api/users/:id',
        fields: ['/active'],
        actor: ann,
      },
    },
    'a field that nobody may set': {
      send: (from) =>
        nobody.request(
          'POST',
          '/api/sign/in',
          { username: 'ann', password: SECRETS.password, isAdmin: true },
          from,
        ),
      line: { problem: 'invalid', status: 400, route: '/api/sign/in', fields: ['/isAdmin'], via: 'nobody' },
    },
    'very long and many fields that nobody may set': {
      send: (from) =>
        admin.request('POST', users, { username: 'new', ['x'.repeat(5_000)]: 1, ...MANY_FIELDS }, from),
      line: { problem: 'invalid', fields: [/^\/x{63}$/], actor: chief },
    },
    'a scope that the token has not': {
      send: (from) => nobody.request('POST', users, { username: 'new' }, { ...token?.headers, ...from }),
      line: { problem: 'insufficient-scope', status: 403, actor: chief, via: 'token' },
    },
    'a token in place of a session': {
      send: (from) => nobody.request('GET', '/api/sessions', undefined, { ...token?.headers, ...from }),
      line: { problem: 'session-required', status: 403, actor: chief, via: 'token' },
    },
    'a bad bearer token': {
      send: (from) =>
        nobody.request('GET', users, undefined, { authorization: `Bearer ${SECRETS.bearer}`, ...from }),
      line: { problem: 'invalid-token', status: 401, method: 'GET', route: users, via: 'nobody' },
    },
    'a code for oneself': {
      send: (from) => admin.request('POST', `${users}/${chief}/reset`, undefined, from),
      line: { problem: 'own-password', status: 403, actor: chief },
    },
    'a group that one does not belong to': {
      send: (from) => client.request('GET', '/api/sign/check?group=admins', undefined, from),
      line: { problem: 'not-a-member', status: 403, route: '/api/sign/check', actor: ann },
    },
    'a change by a page of another origin': {
      send: (from) =>
        client.request('DELETE', `${users}/${ann}`, undefined, { 'sec-fetch-site': 'cross-site', ...from }),
      line: { problem: 'cross-site', status: 403, method: 'DELETE', route: '/api/users/:id' },
    },
    'an unknown code': {
      send: (from) =>
        nobody.request('POST', '/api/sign/reset', { code: SECRETS.code, password: PASSWORD }, from),
      line: { problem: 'invalid-code', status: 400, route: '/api/sign/reset', via: 'nobody' },
    },
    'a forged cookie': {
      send: (from) =>
        nobody.request('GET', users, undefined, { cookie: `a=b; rollcall=${SECRETS.cookie}`, ...from }),
      line: { problem: 'forged-cookie', status: 401, route: users, via: 'nobody' },
    },
    'a wrong password of one who is signed in, which is an event': {
      send: (from) => client.request('POST', '/api/sign/confirm', { password: SECRETS.password }, from),
      line: null,
    },
    'no credentials': { send: (from) => nobody.request('GET', users, undefined, from), line: null },
    'the cookie of another service': {
      send: (from) =>
        nobody.request('GET', users, undefined, { cookie: 'notrollcall=x; a=rollcall=', ...from }),
      line: null,
    },
    'an ended session': {
      send: (from) => nobody.request('GET', users, undefined, { cookie: cookie ?? '', ...from }),
      line: null,
    },
    'a mistake in a field': {
      send: (from) => admin.request('POST', users, { username: 1 }, from),
      line: null,
    },
    'a parameter that there is not': {
      send: (from) => admin.request('GET', `${users}?limits=1`, undefined, from),
      line: null,
    },
    'a user that there is not': {
      send: (from) => admin.request('GET', `${users}/${UNKNOWN}`, undefined, from),
      line: null,
    },
    'too many attempts': {
      send: async (from) => {
        for (;;) {
          const credentials = { username: 'guessed', password: SECRETS.password };
          const response = await nobody.request('POST', '/api/sign/in', credentials, from);
          if (response.statusCode !== 401) return response;
        }
      },
      line: { problem: 'too-many-attempts', status: 429, route: '/api/sign/in', via: 'nobody' },
    },
    'a session that is not fresh': {
      send: (from) => {
        stopTheClock(t)(15 * 60);
        return client.request(
          'PUT',
          `${users}/${ann}/password`,
          { current: PASSWORD, password: 'another good one' },
          from,
        );
      },
      line: { problem: 'confirm', status: 403, route: '/api/users/:id/password', actor: ann },
    },
  };

  for (const [number, [what, { send, line }]] of Object.entries(rows).entries()) {
    if (!hasTokens && /token/.test(what)) continue;
    // The last one stops the clock.
    await t.test(`Of ${what}, ${line ? 'one line is' : 'nothing is'} logged`, async (t) => {
      lines.length = 0;
      const address = `192.0.2.${number}`;
      const response = await send({
        'x-forwarded-for': address,
        'user-agent': `Browser/${'9'.repeat(2_000)}`,
      });
      t.ok(response.statusCode >= 400, `${response.statusCode}`);
      const refused = lines.map((each) => JSON.parse(each)).filter(({ msg }) => msg === 'refused');
      t.equal(refused.length, line ? 1 : 0, lines.join(''));
      const requestId = response.headers['x-request-id'];
      if (line)
        t.match(refused, [{ level: 30, requestId, address, userAgent: /^Browser\/9{100,400}$/, ...line }]);
      for (const { fields = [] } of refused) t.ok(fields.length <= 5, `${fields.length} fields`);
      for (const [name, secret] of Object.entries(SECRETS))
        t.notOk(
          lines.some((each) => each.includes(secret)),
          `no ${name} is logged`,
        );
    });
  }
});
