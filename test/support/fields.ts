/**
 * The tables of who may set and who may see each field of users, groups, members, tokens and sessions. A field that is not
 * listed can not be set.
 */
import { sendable } from './optional.ts';
import { everyone, holders, managers, type Row, sessions, signedIn } from './rows.ts';

export const SETTING: Row[] = sendable([
  {
    send: 'POST /api/users',
    permission: 'users:write',
    body: { username: '{newName}' },
    answers: holders(201),
  },
  {
    send: 'POST /api/users',
    permission: 'users:write',
    body: { username: '{newName}', name: 'New' },
    answers: holders(201),
  },
  {
    send: 'POST /api/users',
    permission: 'users:write',
    body: { username: '{newName}', email: '{newName}@example.org' },
    answers: holders(201),
  },
  {
    send: 'POST /api/users',
    permission: 'users:write',
    body: { username: '{newName}', active: false },
    answers: holders(201),
  },
  {
    send: 'POST /api/users',
    permission: 'users:write',
    body: { username: '{newName}', password: 'another password' },
    answers: holders(201),
  },
  {
    send: 'PATCH /api/users/{user}',
    permission: 'users:write',
    body: { username: '{newName}' },
    answers: holders(200),
  },
  {
    send: 'PATCH /api/users/{user}',
    permission: 'users:write',
    body: { name: 'New' },
    answers: { ...holders(200), member: 200 },
  },
  {
    send: 'PATCH /api/users/{user}',
    permission: 'users:write',
    body: { email: '{newName}@example.org' },
    answers: { ...holders(200), member: 200 },
  },
  {
    send: 'PATCH /api/users/{user}',
    permission: 'users:write',
    body: { active: false },
    answers: holders(200),
  },
  {
    send: 'PUT /api/users/{user}/password',
    permission: 'users:write',
    body: { current: '{password}', password: 'another password' },
    answers: { ...signedIn(403), member: 204 },
  },
  {
    send: 'POST /api/sign/reset',
    body: { code: '{code}', password: 'another password' },
    answers: everyone(204),
  },
  {
    send: 'POST /api/sign/up',
    body: {
      username: '{newName}',
      password: 'another password',
      name: 'New',
      email: '{newName}@example.org',
    },
    answers: everyone(201),
  },
  {
    send: 'POST /api/groups',
    permission: 'groups:write',
    body: { name: '{newName}' },
    answers: holders(201),
  },
  {
    send: 'POST /api/groups',
    permission: 'groups:write',
    body: { name: '{newName}', title: 'New' },
    answers: holders(201),
  },
  {
    send: 'POST /api/groups',
    permission: 'groups:write',
    body: { name: '{newName}', permissions: ['tea:make'] },
    answers: { ...signedIn(403), administrator: 201 },
  },
  {
    send: 'POST /api/groups',
    permission: 'groups:write',
    body: { name: '{newName}', permissions: ['groups:write'] },
    answers: holders(201),
  },
  {
    send: 'PATCH /api/groups/{group}',
    permission: 'groups:write',
    body: { name: '{newName}' },
    answers: holders(200),
  },
  {
    send: 'PATCH /api/groups/{group}',
    permission: 'groups:write',
    body: { title: 'New' },
    answers: holders(200),
  },
  {
    send: 'PATCH /api/groups/{group}',
    permission: 'groups:write',
    body: { permissions: ['tea:make'] },
    answers: { ...signedIn(403), administrator: 200 },
  },
  {
    send: 'PATCH /api/groups/{group}',
    permission: 'groups:write',
    body: { permissions: ['groups:write'] },
    answers: holders(200),
  },
  {
    send: 'PUT /api/groups/{group}/members/{user}',
    permission: 'groups:write',
    body: { role: 'member' },
    answers: managers(200),
  },
  {
    send: 'PUT /api/groups/{group}/members/{user}',
    permission: 'groups:write',
    body: { role: 'manager' },
    answers: managers(200),
  },
  { send: 'POST /api/tokens', body: { name: 'new' }, answers: sessions(201) },
  {
    send: 'POST /api/tokens',
    permission: 'tea:make',
    body: { name: 'new', scopes: ['tea:make'] },
    answers: { ...holders(201), token: 403 },
  },
  {
    send: 'POST /api/tokens',
    permission: 'tea:make',
    body: { name: 'new', scopes: ['*'] },
    answers: { ...signedIn(403), administrator: 201 },
  },
  { send: 'POST /api/tokens', body: { name: 'new', expiresIn: 60 }, answers: sessions(201) },
  {
    send: 'POST /api/sign/in',
    body: { username: '{username}', password: '{password}', remember: true },
    answers: { ...everyone(200), disabled: 401 },
  },
  { send: 'POST /api/sign/confirm', body: { password: '{password}' }, answers: sessions(204) },
]);

/** Names of fields, with a space between them. */
const USER = 'active createdAt id name updatedAt username';
const PRIVATE = 'email lastSignInAt';
/** Who sees what of users, in the answer that shows one and in lists. */
const USERS = (['GET /api/users/{user}', 'GET /api/users', 'GET /api/users?q=member'] as const).flatMap(
  (send) => {
    const setter = send.includes('{') ? 'passwordSetBy' : '';
    const all = `${PRIVATE} pendingEmail ${setter}`;
    const row = { send, fields: USER, own: `${PRIVATE} pendingEmail`, all, answers: signedIn(200) };
    return [
      row,
      { ...row, permission: 'users:read-private', more: PRIVATE },
      { ...row, permission: 'users:write', more: all },
      { ...row, permission: 'groups:write', more: setter },
    ];
  },
);
const GROUP = 'createdAt id name permissions title updatedAt';
const SESSION = 'address createdAt current endsAt expiresAt id lastSeenAt userAgent';

/**
 * The fields that each GET shows, of the object or of each item in a list, to the callers with status 200; and those that it shows
 * in addition: `own` to the user by a session, `more` to the callers who hold the permission of the row, `all` to an administrator.
 */
export const SEEING: (Row & { fields: string; own?: string; more?: string; all?: string })[] = sendable([
  ...USERS,
  { fields: GROUP, send: 'GET /api/groups/{group}', answers: signedIn(200) },
  { fields: GROUP, send: 'GET /api/groups', answers: signedIn(200) },
  {
    fields: 'createdAt group.id group.name group.title role',
    send: 'GET /api/users/{user}/groups',
    answers: signedIn(200),
  },
  {
    fields: 'createdAt passwordSetBy role user.id user.name user.username',
    send: 'GET /api/groups/{group}/members',
    permission: 'groups:write',
    answers: managers(200),
  },
  {
    fields: 'createdAt expiresAt id lastUsedAt name scopes',
    send: 'GET /api/tokens',
    answers: sessions(200),
  },
  { fields: SESSION, send: 'GET /api/sessions', answers: sessions(200) },
  {
    fields: SESSION,
    send: 'GET /api/users/{user}/sessions',
    permission: 'sessions:write',
    answers: holders(200),
  },
]);
