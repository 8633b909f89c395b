/**
 * Every request reads the caller's session and permissions. SQLite's engine caches these rows until the database
 * changes. These tests make each kind of change right after a cached read, because a stale row would be a security fault.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Test } from 'tap';
import { onEachEngine } from '../../../support/engines.ts';
import { openServing, sessionOf, userNamed } from '../../../support/files.ts';
import { noteStatements } from '../../../support/statements.ts';

onEachEngine('A cached session is never stale', async (t, { name, makeDatabase }) => {
  const url = await makeDatabase(t);
  const { db } = await openServing(t, url);
  const other = await openServing(t, url);
  const statements = noteStatements(t);

  async function prepare(username: string) {
    const user = userNamed(username);
    const session = sessionOf(user.id);
    await db.atomically([db.users.add(user, Date.now()), db.sessions.add(session)]);
    const find = () => db.sessions.find(session.key);
    // Read often enough to be cached.
    for (let reads = 0; reads < 3; reads++) t.match(await find(), { userId: user.id, active: true });
    return { user, session, find };
  }

  t.test('Each read of a session reaches the database', async (t) => {
    const { find } = await prepare('ann');
    statements();
    const [first, second] = [await find(), await find()];
    t.equal(statements().length, 2, 'each read runs one statement');
    t.equal(first === second, name === 'SQLite', 'SQLite returns the cached row');
    if (name === 'SQLite') t.throws(() => Object.assign(first ?? {}, { active: false }), TypeError);
  });

  for (const [who, by] of [
    ['by this connection', db],
    ['by another connection', other.db],
  ] as const) {
    const prefix = who.replaceAll(' ', '-');

    t.test(`A session ended ${who} is not found any more`, async (t) => {
      const { session, find } = await prepare(`${prefix}-ended`);
      await by.atomically([by.sessions.end(session.key)]);
      t.equal(await find(), undefined);
      t.equal(await find(), undefined, 'it stays ended');
    });

    t.test(`A session shows that its user was disabled ${who}`, async (t) => {
      const { user, find } = await prepare(`${prefix}-disabled`);
      const change = { ...user, pendingEmail: null, version: 1, active: false };
      t.equal(await by.atomically([by.users.change(change, Date.now())]), undefined);
      t.match(await find(), { active: false });
    });

    t.test(`A session shows when it was touched ${who}`, async (t) => {
      const { session, find } = await prepare(`${prefix}-seen`);
      const seen = { key: session.key, lastSeenAt: session.now + 1, expiresAt: session.expiresAt + 1 };
      await by.atomically([by.sessions.touch({ ...seen, unseenSince: session.now + 1 })]);
      t.match(await find(), { lastSeenAt: session.now + 1, expiresAt: session.expiresAt + 1 });
    });

    t.test(`A session that was ended and added again ${who} is found`, async (t) => {
      const { session, find } = await prepare(`${prefix}-again`);
      await by.atomically([by.sessions.end(session.key)]);
      t.equal(await find(), undefined);
      await by.atomically([by.sessions.add(session)]);
      t.match(await find(), { id: session.id });
    });
  }

  t.test('A session is right after a failed and after a successful transaction', async (t) => {
    const { session, find } = await prepare('missed');
    const end = db.sessions.end(session.key);
    const missing = db.users.remove({ id: session.id, version: 1 });
    t.equal(await db.atomically([end, missing]), missing);
    t.match(await find(), { id: session.id });
    await t.rejects(db.atomically([end, db.sessions.add(session), db.users.add(userNamed('missed'), 1)]));
    t.match(await find(), { id: session.id });
    await db.atomically([end]);
    t.equal(await find(), undefined);
  });

  t.test('A session is found after the cache evicted it', async (t) => {
    const { session, find } = await prepare('crowded');
    const before = await find();
    // MySQL has no cache that could be full.
    const others = name === 'SQLite' ? 15_001 : 1;
    await Promise.all(Array.from({ length: others }, (_, number) => db.sessions.find(`unknown ${number}`)));
    if (name === 'SQLite') t.not(await find(), before, 'the row was evicted');
    t.match(await find(), { id: session.id });
    await other.db.atomically([other.db.sessions.end(session.key)]);
    t.equal(await find(), undefined);
  });
});

onEachEngine('A cached user is as current as the caller', async (t, { name, makeDatabase }) => {
  const url = await makeDatabase(t);
  const [{ db }, other] = [await openServing(t, url), await openServing(t, url)];
  const user = userNamed('ann');
  const session = sessionOf(user.id);
  await db.atomically([db.users.add(user, 1), db.sessions.add(session)]);
  let version = 1;
  const changeBy = ({ users, atomically }: typeof db) =>
    atomically([users.change({ ...user, pendingEmail: null, version: version++ }, 2)]);
  const isCurrent = async (when: string) => t.match(await db.users.find(user.id), { version }, when);
  async function cache() {
    for (let reads = 0; reads < 3; reads++) {
      await db.sessions.find(session.key);
      await db.users.find(user.id);
    }
  }

  await cache();
  if (name === 'SQLite') {
    t.equal(await db.users.find(user.id), await db.users.find(user.id), 'SQLite returns the cached row');
    t.ok(Object.isFrozen(await db.users.find(user.id)), 'which is frozen');
  }
  await changeBy(other.db);
  await db.sessions.find(session.key);
  await isCurrent('after another connection changed it and a session was read in the same turn');
  await cache();
  await changeBy(other.db);
  await nextTurn();
  await isCurrent('after another connection changed it and no session was read');
  await cache();
  await changeBy(db);
  await isCurrent('after this connection changed it, in the same turn');
  await cache();
  await changeBy(other.db);
  t.not(await db.atomically([db.users.remove({ id: user.id, version: 1 })]), undefined);
  await isCurrent('after a transaction of this connection failed because another one changed it');

  const second = sessionOf(user.id);
  await other.db.atomically([other.db.sessions.add(second)]);
  await cache();
  await changeBy(other.db);
  t.match(await db.sessions.find(second.key), { userId: user.id });
  await isCurrent('after another session was read for the first time, which is not cached');

  if (name !== 'SQLite') return;
  await cache();
  // Two callbacks of one turn of the event loop.
  const [, found] = await Promise.all([
    nextTurn().then(async () => {
      await db.sessions.find(session.key);
      await changeBy(other.db);
    }),
    nextTurn().then(() => db.users.find(user.id)),
  ]);
  t.match(found, { version }, 'in the next callback, although a session was read in the one before');
});

onEachEngine('Cached permissions are never stale', async (t, { name, makeDatabase }) => {
  const url = await makeDatabase(t);
  const [{ db }, other] = [await openServing(t, url), await openServing(t, url)];
  const groupNamed = (name: string, permissions: string[]) => {
    const { id } = userNamed(name);
    return { id, name, title: '', permissions };
  };
  const [user, many] = [userNamed('ann'), userNamed('many')];
  const [session, otherSession] = [sessionOf(user.id), sessionOf(many.id)];
  const [writers, readers] = [
    groupNamed('writers', ['users:write', 'audit:read']),
    groupNamed('readers', ['audit:read']),
  ];
  const member = (group: { id: string }, { id }: { id: string } = user) => ({
    groupId: group.id,
    userId: id,
    role: 'member' as const,
  });
  await db.atomically([
    ...[user, many].map((each) => db.users.add(each, 1)),
    ...[session, otherSession].flatMap((each) => db.sessions.add(each)),
    ...[writers, readers].flatMap((each) => db.groups.add(each, 1)),
  ]);
  const find = () => db.sessions.find(session.key);
  async function assertPermissions(t: Test, permissions: string[], when: string) {
    // Read often enough to be cached.
    for (let reads = 0; reads < 3; reads++) t.strictSame((await find())?.permissions, permissions, when);
    if (name === 'SQLite') t.ok(Object.isFrozen((await find())?.permissions));
  }

  for (const [who, by] of [
    ['by this connection', db],
    ['by another connection', other.db],
  ] as const) {
    await t.test(`Permissions are current after changes ${who}`, async (t) => {
      const both = ['audit:read', 'users:write'];
      await assertPermissions(t, [], 'in no group');
      await by.atomically([writers, readers].flatMap((group) => by.memberships.add(member(group), 1)));
      await assertPermissions(t, both, 'in two groups that share a permission');
      await by.atomically(by.groups.setPermissions(writers.id, ['tea:make']));
      await assertPermissions(t, ['audit:read', 'tea:make'], 'when the permissions of a group were changed');
      await by.atomically([by.memberships.remove(readers.id, user.id, 'member')]);
      await assertPermissions(t, ['tea:make'], 'when the user left a group');
      await by.atomically(by.groups.setPermissions(writers.id, []));
      await assertPermissions(t, [], 'when the group has no permissions any more');
      await by.atomically([
        ...by.groups.setPermissions(writers.id, writers.permissions),
        by.memberships.remove(writers.id, user.id, 'member'),
      ]);
      await assertPermissions(t, [], 'when the group has permissions but no member');
    });
  }

  t.test('Permissions of one user do not appear for another', async (t) => {
    await db.atomically([db.memberships.add(member(writers, many), 1)]);
    t.match(await db.sessions.find(otherSession.key), {
      userId: many.id,
      permissions: ['audit:read', 'users:write'],
    });
    await assertPermissions(t, [], 'whatever permissions others have');
    await other.db.atomically([other.db.sessions.end(session.key)]);
    t.equal(await find(), undefined, 'an ended session is not found any more');
  });
});
