/**
 * Changes that a page of another origin sends are refused, whatever the route, before anything is read or written. Programs, tokens and
 * the pages of the origins in ORIGINS pass. docs/browsers.md says how to use it, and test/browsers.test.ts tries it in a browser.
 */
import { rowsOf } from '../../support/database-content.ts';
import { onEachEngine } from '../../support/engines.ts';
import { hasTokens } from '../../support/optional.ts';
import { ROWS } from '../../support/permitted.ts';
import { namesOf, routesDuring } from '../../support/routes.ts';
import { prepare, routeOf, routesToList } from '../../support/rows.ts';
import { Client, makeUser, quickHashing, signedIn, startService } from '../../support/service.ts';

type Headers = Record<string, string>;

const LISTED = 'https://app.example.org';
const SETTINGS = { SIGN_UP: 'open' as const, ORIGINS: [LISTED, 'http://localhost:5173'] };
/** Requests without a proxy come to http://localhost. */
const OWN = 'http://localhost';

/** The headers of a page that may not send a change. */
const FOREIGN: { of: string; headers: Headers }[] = [
  { of: 'a foreign site', headers: { 'sec-fetch-site': 'cross-site' } },
  {
    of: 'a foreign site that names itself',
    headers: { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
  },
  { of: 'a foreign site that claims our origin', headers: { 'sec-fetch-site': 'cross-site', origin: OWN } },
  { of: 'a sibling host or another port', headers: { 'sec-fetch-site': 'same-site' } },
  { of: 'a browser with an empty Sec-Fetch-Site', headers: { 'sec-fetch-site': '' } },
  { of: 'two lines of Sec-Fetch-Site', headers: { 'sec-fetch-site': 'same-origin, cross-site' } },
  { of: 'a foreign site, in an older browser', headers: { origin: 'https://evil.example' } },
  { of: 'a page in a sandbox', headers: { origin: 'null' } },
  { of: 'an empty Origin', headers: { origin: '' } },
  { of: 'another port', headers: { origin: `${OWN}:8080` } },
  { of: 'another scheme', headers: { origin: 'https://localhost' } },
  { of: 'a host that begins with ours', headers: { origin: `${OWN}.evil.example` } },
  { of: 'a host that begins with a listed one', headers: { origin: `${LISTED}.evil.example` } },
  { of: 'another port of a listed host', headers: { origin: `${LISTED}:8443` } },
  { of: 'a listed host over HTTP', headers: { origin: 'http://app.example.org' } },
  { of: 'two lines of Origin', headers: { origin: `${LISTED}, https://evil.example` } },
  // Browsers add it by themselves once a proxy in front has asked for it.
  {
    of: 'a foreign site, with Basic',
    headers: { origin: 'https://evil.example', authorization: 'Basic YTpi' },
  },
  // The session would count.
  ...['Bearer x', 'bearer rc_x', `Bearer rc_${'A'.repeat(43)}`].map((authorization) => ({
    of: `a foreign site, with the cookie and ${authorization}`,
    headers: { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example', authorization },
  })),
];

/** The headers of who may send a change. */
const TRUSTED: { of: string; headers: Headers }[] = [
  { of: 'a program', headers: {} },
  { of: 'our own page', headers: { 'sec-fetch-site': 'same-origin', origin: OWN } },
  { of: 'our own form under no-referrer', headers: { 'sec-fetch-site': 'same-origin', origin: 'null' } },
  { of: 'the user, by the address bar', headers: { 'sec-fetch-site': 'none' } },
  { of: 'our own page, in an older browser', headers: { origin: OWN } },
  { of: 'a listed page of the same site', headers: { 'sec-fetch-site': 'same-site', origin: LISTED } },
  { of: 'a listed page of a foreign site', headers: { 'sec-fetch-site': 'cross-site', origin: LISTED } },
  { of: 'a listed page, in an older browser', headers: { origin: LISTED } },
  { of: 'the last listed page', headers: { 'sec-fetch-site': 'same-site', origin: 'http://localhost:5173' } },
];

/** One row for each route. */
const ROUTES = [...new Map(ROWS.map((row) => [routeOf(row), row])).values()];
const CHANGING = ROUTES.filter(({ send }) => !send.startsWith('GET '));
const READING = ROWS.filter(({ send }) => send.startsWith('GET '));

const REFUSED = { status: 403, type: 'urn:rollcall:problem:cross-site', detail: /ORIGINS.*PUBLIC_URL/ };

onEachEngine('A page of another origin changes nothing', async (t, engine) => {
  const { routes, made } = await routesDuring(() =>
    startService(t, engine, { settings: SETTINGS, hashing: quickHashing }),
  );
  const { app } = made;
  const changing = namesOf(routes).filter((name) => !/^(GET|OPTIONS) /.test(name));
  t.strictSame(CHANGING.map(routeOf).sort(), routesToList(ROWS, changing), 'the table has every route');

  for (const [index, row] of CHANGING.entries()) {
    t.test(`${row.send} is refused from another origin, and answered to everybody else`, async (t) => {
      // Nothing is changed, so that one scene serves for all.
      const refused = await prepare(app, row, 'administrator');
      for (const { of, headers } of FOREIGN) {
        const reads = t.capture(app.db.sessions, 'find', app.db.sessions.find);
        const writes = t.capture(app.db, 'atomically', app.db.atomically);
        const response = await refused(undefined, headers);
        t.match(response.json(), REFUSED, of);
        t.equal(response.headers['set-cookie'], undefined, of);
        t.strictSame([reads(), writes()], [[], []], `${of}: nothing is read or written`);
      }
      for (const { of, headers } of TRUSTED) {
        const send = await prepare(app, row, 'administrator');
        const { statusCode, payload } = await send(undefined, headers);
        t.equal(statusCode, row.answers.administrator, `${of}: ${payload}`);
      }
      if (!hasTokens) return;
      // Each of the headers at some of the routes, since one hook decides for all of them.
      const withoutOther = FOREIGN.filter(({ headers }) => !headers.authorization);
      for (const { of, headers } of withoutOther.filter((_, number) => (number + index) % 4 === 0)) {
        const send = await prepare(app, row, 'token');
        t.equal((await send(undefined, headers)).statusCode, row.answers.token, `${of}, with a token`);
      }
    });
  }

  t.test('A request that changes nothing is answered to pages of every origin', async (t) => {
    const { headers = {} } = FOREIGN.find(({ of }) => of === 'a foreign site that names itself') ?? {};
    for (const row of READING) {
      const send = await prepare(app, row, 'administrator');
      for (const method of ['GET', 'HEAD'] as const)
        t.equal((await send(method, headers)).statusCode, row.answers.administrator, `${method} ${row.send}`);
      t.equal((await send('OPTIONS', headers)).statusCode, 204, `OPTIONS ${row.send}`);
    }
  });

  t.test('A change of another origin is refused where there is no route, too', async (t) => {
    for (const [method, url] of [
      ['POST', '/nowhere'],
      ['PUT', '/api/users'],
      ['DELETE', '/'],
    ] as const)
      for (const headers of [{ 'sec-fetch-site': 'same-site' }, { origin: 'https://evil.example' }])
        t.match((await app.inject({ method, url, headers })).json(), REFUSED, `${method} ${url}`);
  });
});

onEachEngine(
  'A foreign page gets no one-time code, which is a change without a body (S11)',
  async (t, engine) => {
    const { app } = await startService(t, engine, { hashing: quickHashing });
    await makeUser(app, 'chief', { admin: true });
    const ann = await makeUser(app, 'ann');
    const admin = await signedIn(app, 'chief');
    const origin = 'https://evil.example';
    const response = await admin.request('POST', `/api/users/${ann}/reset`, undefined, { origin });
    t.match(response.json(), REFUSED);
    t.match(response.json().detail, origin);
    t.equal((await admin.request('POST', `/api/users/${ann}/reset`)).statusCode, 201);
  },
);

onEachEngine('Our own origin is PUBLIC_URL, or what trusted proxies say', async (t, engine) => {
  const PUBLIC = 'https://accounts.example.org';
  const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'accounts.example.org' };
  const databaseUrl = await engine.makeDatabase(t);
  for (const { what, settings, headers, own, others } of [
    { what: 'without a proxy', settings: {}, headers: {}, own: OWN, others: [PUBLIC] },
    {
      what: 'with another host',
      settings: {},
      headers: { host: 'a.example:8080' },
      own: 'http://a.example:8080',
      others: [OWN],
    },
    {
      what: 'with the default port',
      settings: {},
      headers: { host: 'a.example:80' },
      own: 'http://a.example',
      others: [OWN],
    },
    {
      what: 'with a proxy that is not trusted',
      settings: {},
      headers: forwarded,
      own: OWN,
      others: [PUBLIC],
    },
    {
      what: 'with a trusted proxy',
      settings: { TRUST_PROXY: ['127.0.0.1'] },
      headers: forwarded,
      own: PUBLIC,
      others: [OWN, 'http://accounts.example.org'],
    },
    { what: 'with PUBLIC_URL', settings: { PUBLIC_URL: PUBLIC }, headers: {}, own: PUBLIC, others: [OWN] },
  ]) {
    const { app } = await startService(t, engine, { databaseUrl, settings, hashing: quickHashing });
    const status = async (origin: string) =>
      (await new Client(app).request('POST', '/api/sign/out', undefined, { ...headers, origin })).statusCode;
    t.equal(await status(own), 204, `${what}: ${own}`);
    for (const other of others) t.equal(await status(other), 403, `${what}: ${other}`);
  }
});

onEachEngine('No GET, HEAD or OPTIONS changes anything', async (t, engine) => {
  const { app, settings } = await startService(t, engine, { settings: SETTINGS, hashing: quickHashing });
  // A disabled user's session is removed when it is found, so there is none.
  const callers = (['administrator', 'member', 'anonymous', 'token'] as const).filter(
    (caller) => hasTokens || caller !== 'token',
  );
  const prepared = await Promise.all(
    READING.flatMap((row) =>
      callers.map(async (caller) => ({ row, caller, send: await prepare(app, row, caller) })),
    ),
  );
  const before = await rowsOf(settings.DATABASE_URL);
  for (const { row, caller, send } of prepared)
    for (const method of ['GET', 'HEAD', 'OPTIONS'] as const) {
      const { statusCode } = await send(method);
      t.equal(
        statusCode,
        method === 'OPTIONS' ? 204 : row.answers[caller],
        `${caller}: ${method} ${row.send}`,
      );
    }
  t.strictSame(await rowsOf(settings.DATABASE_URL), before);
});
