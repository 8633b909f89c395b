/**
 * Makes the users and groups for one request of the authorization matrix: the caller, and a member of a group, who is the
 * target of the request. They are written directly into the database in one transaction, because hundreds of requests
 * need them.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { keyOf, makeSecret } from '../../accounts/secrets.ts';
import type { App } from '../../app.ts';
import { addToken, hasTokens, newToken } from './optional.ts';
import { PASSWORD } from './service.ts';

const ALL_CALLERS = [
  'anonymous',
  'member',
  'other member',
  'manager',
  'other manager',
  'holder',
  'administrator',
  'disabled',
  'token',
  'token without',
] as const;
export type Caller = (typeof ALL_CALLERS)[number];

export const CALLERS = ALL_CALLERS.filter((caller) => hasTokens || !caller.startsWith('token'));

/** The groups of each caller. `own` is the group of the target, `other` is another one; `holders` and `all` have permissions. */
const MEMBERSHIPS: Record<
  Caller,
  { group: 'own' | 'other' | 'holders' | 'all'; role: 'member' | 'manager' }[]
> = {
  anonymous: [],
  member: [{ group: 'own', role: 'member' }],
  'other member': [{ group: 'other', role: 'member' }],
  manager: [{ group: 'own', role: 'manager' }],
  'other manager': [{ group: 'other', role: 'manager' }],
  holder: [{ group: 'holders', role: 'member' }],
  administrator: [{ group: 'all', role: 'member' }],
  // These would be allowed everything, so that a refusal has no other reason than the one under test.
  disabled: [
    { group: 'all', role: 'manager' },
    { group: 'own', role: 'manager' },
  ],
  token: [
    { group: 'all', role: 'manager' },
    { group: 'own', role: 'manager' },
  ],
  'token without': [
    { group: 'all', role: 'manager' },
    { group: 'own', role: 'manager' },
  ],
};

/** @returns the fields of a new session, and the secret in its cookie. */
export function newSession(app: App, userId: string, passwordHash: string) {
  const secret = app.sessionCookie.makeSecret();
  const now = Date.now();
  return {
    secret,
    key: keyOf(secret),
    id: randomUUIDv7(),
    userId,
    passwordHash,
    now,
    expiresAt: now + 60_000,
    endsAt: now + 60_000,
    remembered: false,
    address: '127.0.0.1',
    userAgent: 'test',
  };
}

let count = 0;

/** A caller, and the possible targets of the request. */
export interface Scene {
  /** The values of `{name}` in a path or a body. */
  names: Record<string, string>;
  send(
    options: Pick<InjectOptions, 'method' | 'url' | 'payload' | 'headers'>,
  ): Promise<LightMyRequestResponse>;
}

/** Makes the users and groups for one request. @param permission the permission of the holder and the scope of the token. */
export async function setScene(app: App, caller: Caller, permission: string): Promise<Scene> {
  const { db } = app;
  const number = ++count;
  const now = Date.now();
  const passwordHash = await app.passwords.hash(PASSWORD);
  const person = (username: string) => {
    const id = randomUUIDv7();
    const emails = { email: `${username}@example.org`, pendingEmail: `${username}@example.net` };
    return { id, username, name: '', ...emails, active: true, passwordHash };
  };
  const group = (name: string, permissions: string[]) => ({
    id: randomUUIDv7(),
    name: `${name}-${number}`,
    title: '',
    permissions,
  });
  const member = person(`member-${number}`);
  const actor = caller === 'member' ? member : person(`caller-${number}`);
  const groups = {
    own: group('own', []),
    other: group('other', []),
    holders: group('holders', [permission]),
    all: group('all', ['*']),
  };
  const [ownSession, memberSession] = [
    newSession(app, actor.id, passwordHash),
    newSession(app, member.id, passwordHash),
  ];
  const ownToken = newToken(actor.id, caller === 'token without' ? [] : [permission]);
  const memberToken = newToken(member.id, []);
  const code = makeSecret('rcc_');

  await db.atomically([
    db.users.add(member, now),
    ...(actor === member ? [] : [db.users.add(actor, now)]),
    ...Object.values(groups).flatMap((each) => db.groups.add(each, now)),
    ...(actor === member
      ? []
      : [db.memberships.add({ groupId: groups.own.id, userId: member.id, role: 'member' }, now)]),
    ...MEMBERSHIPS[caller].flatMap((each) =>
      db.memberships.add({ groupId: groups[each.group].id, userId: actor.id, role: each.role }, now),
    ),
    db.sessions.add(memberSession),
    db.sessions.add(ownSession),
    ...[memberToken, ownToken].flatMap((each) => addToken(db, each, now, now)),
    ...db.codes.issue(
      {
        key: keyOf(code),
        userId: member.id,
        issuerId: null,
        issuerTokenId: null,
        expiresAt: now + 60_000,
      },
      now,
    ),
    ...(caller === 'disabled' ? [db.users.change({ ...actor, version: 1, active: false }, now)] : []),
  ]);

  const cookie = `${app.sessionCookie.name}=${app.sessionCookie.sign(ownSession.secret)}`;
  const authorization = `Bearer ${ownToken.secret}`;
  const credentials: Record<string, string> = caller.startsWith('token')
    ? { authorization }
    : { cookie, ...(caller === 'disabled' ? { authorization } : {}) };
  return {
    names: {
      caller: actor.id,
      user: member.id,
      group: groups.own.id,
      groupName: groups.own.name,
      allGroup: groups.all.name,
      session: memberSession.id,
      token: memberToken.id,
      code,
      username: caller === 'anonymous' ? member.username : actor.username,
      password: PASSWORD,
      newName: `new-${number}`,
    },
    send: ({ method = 'GET', headers, ...options }) =>
      app.inject({
        ...options,
        method,
        headers: { ...(caller === 'anonymous' ? {} : credentials), ...headers },
        // A different address each time, because attempts are throttled by address.
        remoteAddress: `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`,
      }),
  };
}
