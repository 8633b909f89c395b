/**
 * The number of SQL statements of each route. It must not depend on how many rows are read. Explain or fix a number that grows.
 *
 * On MySQL each statement is a round trip, and a read with a session or a token makes at most two. It makes one more when a token
 * comes with an ended session, or when an added request loader supplies no permissions. Every five minutes the last-seen time is
 * written as well.
 */
import type { Caller } from './cast.ts';
import { hasTokens, sendable } from './optional.ts';
import type { Row } from './rows.ts';

export interface Cost extends Pick<Row, 'send' | 'body'> {
  /** The second number is for SQLite, where a statement is a function call, if it differs. */
  statements: number | [onMysql: number, onSqlite: number];
  by: Caller;
}

export const COSTS: Cost[] = sendable([
  { statements: 0, by: 'anonymous', send: 'GET /' },
  { statements: 0, by: 'anonymous', send: 'GET /livez' },
  { statements: [2, 1], by: 'anonymous', send: 'GET /readyz' },
  {
    statements: 13,
    by: 'anonymous',
    send: 'POST /api/sign/in',
    body: { username: '{username}', password: '{password}' },
  },
  { statements: [4, 5], by: 'member', send: 'POST /api/sign/out' },
  { statements: [4, 5], by: 'token', send: 'POST /api/sign/out' },
  {
    // Three of them end the tokens.
    statements: hasTokens ? 16 : 13,
    by: 'anonymous',
    send: 'POST /api/sign/reset',
    body: { code: '{code}', password: 'another password' },
  },
  {
    statements: 6,
    by: 'anonymous',
    send: 'POST /api/sign/up',
    body: { username: '{newName}', password: '{password}' },
  },
  { statements: [2, 3], by: 'administrator', send: 'GET /api/sign' },
  { statements: [2, 3], by: 'token', send: 'GET /api/sign' },
  { statements: [10, 11], by: 'member', send: 'POST /api/sign/confirm', body: { password: '{password}' } },
  { statements: [1, 2], by: 'member', send: 'GET /api/sign/check' },
  { statements: [1, 2], by: 'administrator', send: 'GET /api/sign/check?permission=tea:make' },
  { statements: [1, 2], by: 'token', send: 'GET /api/sign/check?permission=tea:make' },
  { statements: [2, 3], by: 'member', send: 'GET /api/sign/check?group={groupName}' },
  {
    statements: [2, 3],
    by: 'administrator',
    send: 'GET /api/sign/check?group={allGroup}&permission=tea:make',
  },
  { statements: [2, 3], by: 'member', send: 'GET /api/sessions' },
  { statements: [5, 6], by: 'member', send: 'DELETE /api/sessions' },
  { statements: [5, 6], by: 'member', send: 'DELETE /api/sessions/{session}' },
  { statements: [2, 3], by: 'member', send: 'GET /api/tokens' },
  {
    statements: [6, 7],
    by: 'administrator',
    send: 'POST /api/tokens',
    body: { name: 'new', scopes: '{permissions}' },
  },
  { statements: [5, 6], by: 'member', send: 'DELETE /api/tokens/{token}' },
  { statements: [2, 3], by: 'member', send: 'GET /api/users' },
  { statements: [2, 3], by: 'member', send: 'GET /api/users?active=true' },
  { statements: [2, 4], by: 'member', send: 'GET /api/users?q=crowd' },
  { statements: [2, 4], by: 'member', send: 'GET /api/users?q=crowd&group={group}&active=true' },
  { statements: [2, 5], by: 'administrator', send: 'GET /api/users?q=crowd' },
  { statements: [2, 5], by: 'administrator', send: 'GET /api/users?q=crowd&group={group}&active=true' },
  { statements: [2, 3], by: 'member', send: 'GET /api/users?group={group}' },
  { statements: [8, 9], by: 'administrator', send: 'POST /api/users', body: { username: '{newName}' } },
  { statements: [2, 3], by: 'member', send: 'GET /api/users/{user}' },
  {
    statements: [15, 16],
    by: 'administrator',
    send: 'PATCH /api/users/{user}',
    body: { username: '{newName}', active: false },
  },
  { statements: [14, 15], by: 'administrator', send: 'DELETE /api/users/{user}' },
  {
    statements: [14, 15],
    by: 'member',
    send: 'PUT /api/users/{user}/password',
    body: { current: '{password}', password: 'another password' },
  },
  { statements: [13, 14], by: 'administrator', send: 'POST /api/users/{user}/reset' },
  { statements: [2, 4], by: 'member', send: 'GET /api/users/{user}/groups' },
  { statements: [2, 4], by: 'administrator', send: 'GET /api/users/{user}/sessions' },
  { statements: [11, 12], by: 'administrator', send: 'DELETE /api/users/{user}/sessions' },
  { statements: [2, 3], by: 'member', send: 'GET /api/groups' },
  {
    statements: [6, 7],
    by: 'administrator',
    send: 'POST /api/groups',
    body: { name: '{newName}', permissions: '{permissions}' },
  },
  { statements: [2, 3], by: 'member', send: 'GET /api/groups/{group}' },
  {
    statements: [14, 15],
    by: 'administrator',
    send: 'PATCH /api/groups/{group}',
    body: { permissions: '{others}' },
  },
  { statements: [9, 10], by: 'administrator', send: 'DELETE /api/groups/{group}' },
  { statements: [2, 4], by: 'administrator', send: 'GET /api/groups/{group}/members' },
  { statements: [2, 4], by: 'manager', send: 'GET /api/groups/{group}/members' },
  {
    statements: [13, 14],
    by: 'administrator',
    send: 'PUT /api/groups/{group}/members/{user}',
    body: { role: 'manager' },
  },
  { statements: [13, 14], by: 'administrator', send: 'DELETE /api/groups/{group}/members/{user}' },
  { statements: [2, 3], by: 'administrator', send: 'GET /api/audit' },
]);
