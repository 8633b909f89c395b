/**
 * A list of requests in a fixed order, to every route, by callers with and without permission. Their values are those
 * that engines are known to store, compare or sort in different ways.
 */
import { OF_ACCOUNTS } from './account-requests.ts';
import { asChief, LAST, type Step, signIn, UNKNOWN } from './request.ts';
import { PASSWORD } from './service.ts';

/** Names that a collation may treat as equal, sort in another order, or truncate. */
const USERNAMES = [
  'zoe',
  'Zoë',
  'ZOË!',
  'zoé',
  'Ångström',
  'angstrom',
  'straße',
  'strase',
  'łódź',
  'lodz',
  'ñ',
  'n',
  'ı',
  'i',
  '🦊',
  '🐻',
  '卡',
  'カ',
  'ｶﾞ',
  'a_b',
  'a$b',
  "o'neil",
  'back`tick',
  '"quoted"',
  'null',
  '0',
  '-1',
  '1e3',
  'x'.repeat(64),
  '🦊'.repeat(64),
];
const TITLES = [
  '',
  ' ',
  'trailing   ',
  '  leading',
  'Ünï 卡 🦊👩‍👩‍👧',
  'a%_\\\'"`;--',
  '🦊'.repeat(200),
  'é',
  'e\u0301',
  '\u200b',
  'NULL',
  'true',
];
const EMAILS = [
  'Üni@Exämple.org',
  "o'neil+tag@example.org",
  `${'e'.repeat(242)}@example.org`,
  '🦊@example.org',
  null,
];

const createUsers = USERNAMES.map((username, index) =>
  asChief(
    'POST /api/users',
    201,
    {
      username,
      password: PASSWORD,
      name: TITLES[index % TITLES.length],
      email: index < EMAILS.length ? EMAILS[index] : null,
      active: index % 3 > 0,
    },
    `user${index}`,
  ),
);
const createGroups = TITLES.map((title, index) =>
  asChief(
    'POST /api/groups',
    201,
    {
      name: `g${index % 2 ? '-' : '.'}${index}`,
      title,
      permissions: ['z:a', 'a:z', 'a-b:c', 'a:b', '*', 'a-z:b-c'].slice(0, index),
    },
    `group${index}`,
  ),
);
const pages = (path: string, limit: number) => [
  asChief(`GET ${path}?limit=${limit}`, 200),
  asChief(`GET ${path}?limit=${limit}&after={user9}`, 200),
  asChief(`GET ${path}?limit=${limit}&after=${LAST}`, 200),
  asChief(`GET ${path}?limit=${limit}&after=${UNKNOWN}`, 200),
];

export const STEPS: Step[] = [
  { by: 'anonymous', send: 'GET /', status: 200 },
  { by: 'anonymous', send: 'HEAD /', status: 200 },
  ...(['GET /livez', 'HEAD /livez', 'GET /readyz', 'HEAD /readyz'] as const).map(
    (send): Step => ({ by: 'anonymous', send, status: 200 }),
  ),
  { by: 'anonymous', send: 'GET /nowhere', status: 404 },
  { by: 'anonymous', send: 'PUT /api/users', status: 405 },
  { by: 'anonymous', send: 'OPTIONS /api/groups', status: 204 },
  { by: 'anonymous', send: 'GET /api/users', status: 401 },
  { by: 'anonymous', send: 'GET /api/groups', status: 401 },
  { by: 'anonymous', send: 'GET /api/sign', status: 401 },
  { by: 'anonymous', send: 'POST /api/sign/out', status: 204 },
  signIn('anonymous', 'anonymous', 401),
  // Older collations of MySQL ignore trailing spaces.
  ...['chief ', ' chief', 'chief\u00a0', 'chief@example.org ', 'chie', 'chief%', 'chiéf', 'ch\u0131ef'].map(
    (name) => signIn('anonymous', name, 401),
  ),
  ...['CHIEF', 'ｃｈｉｅｆ', 'Chief@Example.ORG', 'chief'].map((name) => signIn('chief', name, 200)),
  asChief('GET /api/sign', 200),
  asChief('GET /api/users', 200),

  ...createUsers,
  ...USERNAMES.slice(0, 20).map((username) =>
    asChief('POST /api/users', 409, { username, password: PASSWORD }),
  ),
  asChief('POST /api/users', 409, { username: 'ZOE', password: PASSWORD }),
  asChief('POST /api/users', 409, { username: 'new', email: 'üNI@exÄMPLE.ORG', password: PASSWORD }),
  asChief('POST /api/users', 201, { username: 'zoè', email: 'uni@example.org', password: PASSWORD }),
  asChief('POST /api/users', 400, { username: 'has space', password: PASSWORD }),
  asChief('POST /api/users', 400, { username: 'y'.repeat(65), password: PASSWORD }),
  asChief('POST /api/users', 400, { username: 'ﷺ'.repeat(10), password: PASSWORD }),
  asChief('POST /api/users', 400, { username: 'ok', name: '🦊'.repeat(201), password: PASSWORD }),
  asChief('POST /api/users', 400, { username: 'ok', password: PASSWORD, extra: 1 }),
  ...[1, 2, 7, 20, 100].flatMap((limit) => pages('/api/users', limit)),
  asChief('GET /api/users?limit=0', 400),
  asChief('GET /api/users?after=x', 400),
  asChief('GET /api/users/{user0}', 200),
  asChief('HEAD /api/users/{user1}', 200),
  asChief(`GET /api/users/${UNKNOWN}`, 404),
  asChief('GET /api/users/{user2}/', 200),

  ...TITLES.map((_name, index) =>
    asChief(`PATCH /api/users/{user${index}}`, 200, { name: TITLES[(index + 1) % TITLES.length] }),
  ),
  ...TITLES.map((name, index) => asChief(`PATCH /api/users/{user${index}}`, 200, { name, email: null })),
  asChief('PATCH /api/users/{user3}', 409, { username: 'Zoë' }),
  asChief('PATCH /api/users/{user3}', 200, { username: 'ZOÉ' }),
  asChief('PATCH /api/users/{user3}', 400, {}),
  asChief(`PATCH /api/users/${UNKNOWN}`, 404, { name: 'x' }),
  { ...asChief('PATCH /api/users/{user4}', 412, { name: 'x' }), headers: { 'if-match': '"1"' } },
  { ...asChief('PATCH /api/users/{user4}', 200, { name: 'x' }), headers: { 'if-match': '"3"' } },
  signIn('zoe', 'ZOÉ', 401),
  asChief('PATCH /api/users/{user3}', 200, { active: true }),
  signIn('zoe', 'zoé', 200),
  { by: 'zoe', send: 'GET /api/sign', status: 200 },
  { by: 'zoe', send: 'POST /api/users', body: { username: 'w', password: PASSWORD }, status: 403 },
  {
    by: 'zoe',
    send: 'PATCH /api/users/{user3}',
    body: { name: ' Zoé ', email: 'zoe@example.org' },
    status: 200,
  },
  { by: 'zoe', send: 'PATCH /api/users/{user3}', body: { active: false }, status: 403 },

  ...createGroups,
  asChief('POST /api/groups', 409, { name: 'g.0' }),
  asChief('POST /api/groups', 400, { name: 'G.0' }),
  asChief('POST /api/groups', 400, { name: 'g.0 ' }),
  asChief('POST /api/groups', 400, { name: 'twice', permissions: ['a:b', 'a:b'] }),
  ...[1, 5, 100].flatMap((limit) => pages('/api/groups', limit)),
  asChief('GET /api/groups/{group5}', 200),
  asChief(`GET /api/groups/${UNKNOWN}`, 404),
  asChief('PATCH /api/groups/{group5}', 200, { permissions: [] }),
  asChief('PATCH /api/groups/{group5}', 200, { permissions: ['b:a', 'a:b', 'a-a:b'], title: '' }),
  asChief('PATCH /api/groups/{group6}', 409, { name: 'g-5' }),
  asChief('GET /api/groups/{group5}/members', 200),
  asChief(`GET /api/groups/${UNKNOWN}/members`, 404),
  ...USERNAMES.slice(0, 8).map((_name, index) =>
    asChief(`PUT /api/groups/{group5}/members/{user${index}}`, 200, {
      role: index % 2 ? 'member' : 'manager',
    }),
  ),
  asChief('PUT /api/groups/{group5}/members/{user0}', 200, { role: 'member' }),
  asChief('PUT /api/groups/{group5}/members/{user0}', 200, { role: 'member' }),
  asChief('PUT /api/groups/{group5}/members/{user0}', 400, { role: 'chief' }),
  asChief(`PUT /api/groups/{group5}/members/${UNKNOWN}`, 404, { role: 'member' }),
  asChief(`PUT /api/groups/${UNKNOWN}/members/{user0}`, 404, { role: 'member' }),
  ...[1, 3, 100].flatMap((limit) => pages('/api/groups/{group5}/members', limit)),
  { by: 'zoe', send: 'GET /api/sign', status: 401 },
  signIn('zoe', 'zoé', 200),
  { by: 'zoe', send: 'GET /api/sign', status: 200 },
  { by: 'zoe', send: 'GET /api/groups/{group5}/members', status: 403 },
  asChief('DELETE /api/groups/{group5}/members/{user0}', 204),
  asChief('DELETE /api/groups/{group5}/members/{user0}', 404),
  asChief('DELETE /api/users/{user1}', 204),
  asChief('DELETE /api/users/{user1}', 404),
  asChief('GET /api/groups/{group5}/members', 200),
  asChief('DELETE /api/groups/{group5}', 204),
  asChief('GET /api/groups/{group5}', 404),
  { by: 'zoe', send: 'POST /api/sign/out', status: 204 },
  { by: 'zoe', send: 'GET /api/sign', status: 401 },
  ...OF_ACCOUNTS,
  ...['users', 'groups', 'groups/{group6}', 'groups/{group6}/members', 'sign'].map((path) =>
    asChief(`HEAD /api/${path}`, 200),
  ),
  asChief('DELETE /api/users/{chief}', 409),
  asChief('PATCH /api/users/{chief}', 409, { active: false }),
];
