/** The part of the list in requests.ts about accounts: sessions, tokens, reset codes, user search and the audit trail. */
import { sendable } from './optional.ts';
import { asChief, type Step, signIn, UNKNOWN } from './request.ts';
import { PASSWORD } from './service.ts';

/** Search texts that engines may compare in different ways. */
const PREFIXES = [
  'z',
  'ZO',
  'zoë',
  'Å',
  'a',
  'a_',
  'a%',
  'ı',
  '🦊',
  '🦊🦊',
  'カ',
  'tr',
  'ünï',
  'x'.repeat(64),
  '\\',
  "o'",
];

/** Requests about sessions, tokens, reset codes and user search, and the audit trail of all these. */
export const OF_ACCOUNTS: Step[] = sendable([
  ...PREFIXES.flatMap((q) =>
    [
      `?q=${encodeURIComponent(q)}`,
      `?q=${encodeURIComponent(q)}&limit=2`,
      `?q=${encodeURIComponent(q)}&active=false`,
    ].map((query) => asChief(`GET /api/users${query}`, 200)),
  ),
  ...['?active=true', '?active=false&limit=3', '?group={group6}', '?group={group6}&q=z&active=true'].map(
    (query) => asChief(`GET /api/users${query}`, 200),
  ),
  asChief('GET /api/users?q=', 400),
  asChief('GET /api/users?q=z&after=nonsense', 400),
  asChief('GET /api/users/{user3}/groups', 200),
  asChief('HEAD /api/users/{user3}/groups', 200),
  asChief(`GET /api/users/${UNKNOWN}/groups`, 404),
  asChief('GET /api/sessions', 200),
  asChief('HEAD /api/sessions', 200),
  asChief('GET /api/users/{user3}/sessions', 200),
  asChief('HEAD /api/users/{user3}/sessions', 200),
  asChief('DELETE /api/users/{user3}/sessions', 204),
  { by: 'zoe', send: 'GET /api/sign', status: 401 },
  signIn('zoe', 'zoé', 200),
  asChief(`DELETE /api/sessions/${UNKNOWN}`, 404),
  asChief('DELETE /api/sessions', 204),
  asChief('POST /api/sign/confirm', 204, { password: PASSWORD }),
  asChief('POST /api/sign/confirm', 403, { password: `${PASSWORD} ` }),
  asChief('GET /api/sign/check', 204),
  asChief('HEAD /api/sign/check?permission=any:thing', 204),
  asChief('GET /api/sign/check?group=g.0', 403),
  { by: 'zoe', send: 'GET /api/sign/check?permission=users:write', status: 403 },
  asChief('GET /api/tokens', 200),
  asChief('HEAD /api/tokens', 200),
  asChief(`DELETE /api/tokens/${UNKNOWN}`, 404),
  asChief('POST /api/tokens', 400, { name: '' }),
  { by: 'zoe', send: 'POST /api/tokens', body: { name: 'Ünï 🦊', scopes: ['users:write'] }, status: 403 },
  asChief('POST /api/sign/reset', 400, { code: 'rcc_nonsense', password: PASSWORD }),
  asChief(`POST /api/users/${UNKNOWN}/reset`, 404),
  asChief('PUT /api/users/{chief}/password', 403, { current: PASSWORD.toUpperCase(), password: PASSWORD }),
  asChief('PUT /api/users/{chief}/password', 204, { current: PASSWORD, password: PASSWORD }),
  asChief('PUT /api/users/{user3}/password', 403, { current: PASSWORD, password: PASSWORD }),
  ...[
    '',
    '?limit=7',
    '?actor={chief}',
    '?target={user3}',
    '?event=user-changed',
    '?event=signed-in&actor={chief}',
  ].map((query) => asChief(`GET /api/audit${query}`, 200)),
  asChief('GET /api/audit?limit=100&to=2020-01-01T00:00:00Z', 200),
  asChief('GET /api/audit?from=2026-02-31T25:00:00Z', 400),
  asChief('HEAD /api/audit?limit=1', 200),
  { by: 'zoe', send: 'GET /api/audit', status: 403 },
]);
