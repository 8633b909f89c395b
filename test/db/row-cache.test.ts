/**
 * Who is asking, and maybe what they hold, is looked up by every request, and SQLite's engine gives what it gave before while
 * nothing has changed. No change, whoever made it, may be missed for a moment: here each kind of it is made right after that.
 */
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { and } from '../../db/drizzle.ts';
import { equals } from '../../db/schema/column-types.ts';
import { onEachEngine } from '../support/engines.ts';
import { openServing, sessionOf, userNamed } from '../support/files.ts';
import { noteStatements } from '../support/statements.ts';

onEachEngine('a session that is asked for again and again', async (t, { name, makeDatabase }) => {
  const url = await makeDatabase(t);
  const { db } = await openServing(t, url);
  const other = await openServing(t, url);
  const statements = noteStatements(t);

  async function prepare(username: string) {
    const user = userNamed(username);
    const session = sessionOf(user.id);
    await db.atomically([db.users.add(user, Date.now()), db.sessions.add(session)]);
    const find = () => db.sessions.find(session.key);
    // Often enough for it to be kept.
    for (let asked = 0; asked < 3; asked++) t.match(await find(), { userId: user.id, active: true });
    return { user, session, find };
  }

  t.test('is read anew by each, or only looked after whether anything has changed', async (t) => {
    const { find } = await prepare('ann');
    statements();
    const [one, another] = [await find(), await find()];
    t.equal(statements().length, 2, 'the database is asked each time');
    t.equal(one === another, name === 'SQLite', 'it is the same row where the engine can tell');
    if (name === 'SQLite') t.throws(() => Object.assign(one ?? {}, { active: false }), TypeError);
  });

  for (const [who, by] of [
    ['by this connection', db],
    ['by another one', other.db],
  ] as const) {
    const first = who.replaceAll(' ', '-');

    t.test(`is gone when it was ended ${who}`, async (t) => {
      const { session, find } = await prepare(`${first}-ended`);
      await by.atomically([by.sessions.end(session.key)]);
      t.equal(await find(), undefined);
      t.equal(await find(), undefined, 'and stays so');
    });

    t.test(`tells that its user was disabled ${who}`, async (t) => {
      const { user, find } = await prepare(`${first}-disabled`);
      const change = { ...user, version: 1, active: false };
      t.equal(await by.atomically([by.users.change(change, Date.now())]), undefined);
      t.match(await find(), { active: false });
    });

    t.test(`tells when it was seen ${who}`, async (t) => {
      const { session, find } = await prepare(`${first}-seen`);
      const seen = { key: session.key, lastSeenAt: session.now + 1, expiresAt: session.expiresAt + 1 };
      await by.atomically([by.sessions.touch({ ...seen, unseenSince: session.now + 1 })]);
      t.match(await find(), { lastSeenAt: session.now + 1, expiresAt: session.expiresAt + 1 });
    });

    t.test(`is there again when it was begun anew ${who}`, async (t) => {
      const { session, find } = await prepare(`${first}-again`);
      await by.atomically([by.sessions.end(session.key)]);
      t.equal(await find(), undefined);
      await by.atomically([by.sessions.add(session)]);
      t.match(await find(), { id: session.id });
    });
  }

  t.test(
    'is given as it is after a list of writes that did not take effect, and after one that did',
    async (t) => {
      const { session, find } = await prepare('missed');
      const ending = db.sessions.end(session.key);
      const missing = db.users.remove({ id: session.id, version: 1 });
      t.equal(await db.atomically([ending, missing]), missing);
      t.match(await find(), { id: session.id });
      await t.rejects(
        db.atomically([ending, db.sessions.add(session), db.users.add(userNamed('missed'), 1)]),
      );
      t.match(await find(), { id: session.id });
      await db.atomically([ending]);
      t.equal(await find(), undefined);
    },
  );

  t.test('is not lost among more of them than are kept', async (t) => {
    const { session, find } = await prepare('crowded');
    const before = await find();
    for (let number = 0; number < 15_001; number++) await db.sessions.find(`nobody ${number}`);
    if (name === 'SQLite') t.not(await find(), before, 'it was forgotten');
    t.match(await find(), { id: session.id });
    await other.db.atomically([other.db.sessions.end(session.key)]);
    t.equal(await find(), undefined);
  });
});

onEachEngine('a token that is asked for again and again', async (t, { name, makeDatabase }) => {
  const url = await makeDatabase(t);
  const [{ db }, other] = [await openServing(t, url), await openServing(t, url)];
  const user = userNamed('ann');
  const token = {
    key: `${user.id}-------`,
    id: user.id,
    userId: user.id,
    name: 'robot',
    scopes: ['audit:read'],
  };
  await db.atomically([db.users.add(user, 1), db.tokens.add({ ...token, expiresAt: null }, 1)]);
  for (let asked = 0; asked < 3; asked++) t.match(await db.tokens.find(token.key), { scopes: token.scopes });
  if (name === 'SQLite')
    t.ok(Object.isFrozen((await db.tokens.find(token.key))?.scopes), 'for nobody to change');
  await other.db.atomically([other.db.tokens.touch(token.key, 2, 2)]);
  t.match(await db.tokens.find(token.key), { lastUsedAt: 2 });
  await other.db.atomically([other.db.users.change({ ...user, version: 1, active: false }, 2)]);
  t.match(await db.tokens.find(token.key), { active: false });
  await other.db.atomically([other.db.tokens.end(user.id, token.id)]);
  t.equal(await db.tokens.find(token.key), undefined);
});

onEachEngine('what the user of a session or token holds', async (t, { name, makeDatabase }) => {
  const url = await makeDatabase(t);
  const [{ db }, other] = [await openServing(t, url), await openServing(t, url)];
  const groupNamed = (name: string, permissions: string[]) => {
    const { id } = userNamed(name);
    return { id, name, title: '', permissions };
  };
  const [user, many] = [userNamed('ann'), userNamed('many')];
  const [session, manys] = [sessionOf(user.id), sessionOf(many.id)];
  const token = { key: `${user.id}-------`, id: user.id, userId: user.id, name: 'robot', expiresAt: null };
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
    ...[session, manys].flatMap((each) => db.sessions.add(each)),
    db.tokens.add({ ...token, scopes: [] }, 1),
    ...[writers, readers].flatMap((each) => db.groups.add(each, 1)),
  ]);
  const find = () => Promise.all([db.sessions.find(session.key), db.tokens.find(token.key)]);
  async function holds(t: Test, permissions: string[], when: string) {
    // Often enough for it to be kept.
    for (let asked = 0; asked < 3; asked++) t.match(await find(), [{ permissions }, { permissions }], when);
    const lengths = (await find()).map((each) => each?.permissions.length);
    t.strictSame(lengths, [permissions.length, permissions.length], `no more than these ${when}`);
    if (name === 'SQLite') for (const each of await find()) t.ok(Object.isFrozen(each?.permissions));
  }

  for (const [who, by] of [
    ['by this connection', db],
    ['by another one', other.db],
  ] as const) {
    await t.test(`is told as it is, whatever was changed ${who}`, async (t) => {
      const both = ['audit:read', 'users:write'];
      await holds(t, [], 'in no group');
      await by.atomically([writers, readers].flatMap((group) => by.memberships.add(member(group), 1)));
      await holds(t, both, 'in two groups, one of them held twice');
      await by.atomically(by.groups.setPermissions(writers.id, ['tea:make']));
      await holds(t, ['audit:read', 'tea:make'], 'when a group carries others');
      await by.atomically([by.memberships.remove(readers.id, user.id, 'member')]);
      await holds(t, ['tea:make'], 'when a group was left');
      await by.atomically(by.groups.setPermissions(writers.id, []));
      await holds(t, [], 'when the group carries nothing any more');
      await by.atomically([
        ...by.groups.setPermissions(writers.id, writers.permissions),
        by.memberships.remove(writers.id, user.id, 'member'),
      ]);
      await holds(t, [], 'when nobody belongs to it');
    });
  }

  t.test('is nobody else’s', async (t) => {
    await db.atomically([db.memberships.add(member(writers, many), 1)]);
    t.match(await db.sessions.find(manys.key), {
      userId: many.id,
      permissions: ['audit:read', 'users:write'],
    });
    await holds(t, [], 'whatever others hold');
    await other.db.atomically([other.db.sessions.end(session.key), other.db.tokens.end(user.id, token.id)]);
    t.strictSame(await find(), [undefined, undefined], 'and ends with the session and the token');
  });
});

test('a query with more than one value', async (t) => {
  const { engine } = await openServing(t, `sqlite:${join(t.testdir(), 'rollcall.db')}`);
  const { users } = engine.tables;
  const condition = and(equals(users.id, 'id'), equals(users.version, 'version'));
  const query = engine.build.select({ id: users.id }).from(users).where(condition);
  const find = engine.readOneCached(query);
  for (let asked = 0; asked < 2; asked++)
    await t.rejects(
      find({ id: 'x', version: 1 }),
      TypeError,
      'is refused, since its first one would stand for all',
    );
});
