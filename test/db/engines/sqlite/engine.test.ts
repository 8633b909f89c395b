/**
 * Tests what the service relies on when it writes to SQLite: transactions are atomic, several processes may write, and
 * readers never wait for a writer.
 */
import { randomUUIDv7 } from 'node:crypto';
import { existsSync, renameSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import {
  DatabaseUnavailableError,
  DuplicateError,
  MissingDatabaseError,
  MissingReferenceError,
} from '../../../../db/engines/engine.ts';
import { makeFile, openBeside, openFile, sessionOf, userNamed } from '../../../support/files.ts';
import { onLocked } from '../../../support/locked.ts';
import { makeFolder } from '../../../support/processes.ts';
import { Running, until } from '../../../support/running.ts';

const NOW = Date.now();

test('atomically() applies all writes of a list or none', async (t) => {
  const { db, engine, path } = await makeFile(t);
  const ann = userNamed('ann');
  const names = async () => (await db.users.page('', 100)).map(({ username }) => username);

  t.test('A list of writes that succeed is applied as a whole', async (t) => {
    const session = sessionOf(ann.id);
    t.equal(await db.atomically([db.users.add(ann, NOW), db.sessions.add(session)]), undefined);
    t.same(await names(), ['ann']);
    t.match(await db.sessions.find(session.key), { userId: ann.id });
  });

  t.test('An empty list of writes succeeds', async (t) => t.equal(await db.atomically([]), undefined));

  t.test('A write that matches no row rolls back the list and is returned', async (t) => {
    const absent = db.users.remove({ id: randomUUIDv7(), version: 1 });
    const list = [db.users.add(userNamed('bob'), NOW), absent, db.users.add(userNamed('cem'), NOW)];
    t.equal(await db.atomically(list), absent);
    t.same(await names(), ['ann']);
  });

  t.test('A write with an outdated version matches no row and is returned', async (t) => {
    const change = db.users.change({ ...ann, pendingEmail: null, name: 'Ann', version: 1 }, NOW);
    t.equal(await db.atomically([change]), undefined);
    t.equal(await db.atomically([change]), change);
  });

  t.test('A duplicate key rolls back the list, and the error names the index', async (t) => {
    const list = [db.users.add(userNamed('bob'), NOW), db.users.add(userNamed('ANN'), NOW)];
    await t.rejects(db.atomically(list), new DuplicateError('users_username_key'));
    const withEmail = (name: string) => ({ ...userNamed(name), email: 'one@example.org' });
    const emails = [db.users.add(withEmail('bob'), NOW), db.users.add(withEmail('cem'), NOW)];
    await t.rejects(db.atomically(emails), new DuplicateError('users_email_key'));
    const group = () => db.groups.add({ id: randomUUIDv7(), name: 'ops', title: '', permissions: [] }, NOW);
    await t.rejects(db.atomically([...group(), ...group()]), new DuplicateError('groups_name'));
    t.same(await names(), ['ann']);
  });

  t.test('A failed write rolls back the list and leaves no transaction open', async (t) => {
    const broken = engine.write(
      engine.build.insert(engine.tables.groupPermissions).values({ groupId: 'unknown', permission: '*' }),
      1,
    );
    const failing = db.atomically([db.users.add(userNamed('bob'), NOW), broken({})]);
    await t.rejects(failing, new MissingReferenceError());
    t.same(await names(), ['ann']);
    t.equal(await db.atomically([db.users.add(userNamed('bob'), NOW)]), undefined);
    t.same(await names(), ['ann', 'bob']);
  });

  t.test('Committed writes are visible to other connections at once', async (t) => {
    const count = openBeside(t, path).prepare('SELECT count(*) AS users FROM users');
    t.same(count.get(), { users: 2 });
  });
});

test('A connection to SQLite is configured for the service', async (t) => {
  const { db, engine, path } = await makeFile(t);

  t.test('The write-ahead log (WAL) is on, so readers and a writer do not block each other', async (t) => {
    t.same(openBeside(t, path).pragma('journal_mode'), [{ journal_mode: 'wal' }]);
  });

  t.test('Foreign keys are enforced', async (t) => {
    const ann = userNamed('ann');
    const session = sessionOf(ann.id);
    await db.atomically([db.users.add(ann, NOW), db.sessions.add(session)]);
    await db.atomically([db.users.remove({ id: ann.id, version: 1 })]);
    const count = engine.read(
      engine.build.select({ key: engine.tables.sessions.key }).from(engine.tables.sessions),
    );
    t.same(await count(), [], 'deleting a user deletes their sessions');
  });

  t.test('A file that is not a database gives DatabaseUnavailableError', async (t) => {
    const file = join(import.meta.dirname, 'engine.test.ts');
    await t.rejects(openFile(t, file), { name: 'DatabaseUnavailableError', message: /not a database/ });
  });

  t.test('A path below a file gives DatabaseUnavailableError with the path', async (t) => {
    const below = join(import.meta.dirname, 'engine.test.ts', 'rollcall.db');
    await t.rejects(openFile(t, below), { name: 'DatabaseUnavailableError', message: below });
  });
});

test('Processes that write the same rows at once lose no write', async (t) => {
  const TIMES = 500;
  const { db, path } = await makeFile(t);
  const groups = ['one', 'two'].map((name) => ({ id: randomUUIDv7(), name, title: '', permissions: [] }));
  await db.atomically(groups.flatMap((group) => db.groups.add(group, NOW)));

  const program = join(import.meta.dirname, '../../../support/contender.ts');
  const ids = groups.map(({ id }) => id);
  const contenders = [ids, ids.toReversed()].map(
    (order) =>
      new Running(makeFolder(t), process.execPath, [program, path, `${TIMES}`, ...order], {}, 'pipe'),
  );
  t.teardown(() => {
    for (const each of contenders) each.kill();
  });
  const find = (pattern: RegExp) => (stdout: string) => pattern.exec(stdout)?.[0];
  await Promise.all(contenders.map((each) => each.says('ready', find(/ready/))));
  for (const { child } of contenders) child.stdin?.write('go');
  const done = await Promise.all(contenders.map((each) => each.says('done', find(/done: \d+/))));

  t.same(done, [`done: ${TIMES}`, `done: ${TIMES}`], 'every write took effect');
  for (const { id } of groups) t.equal((await db.groups.find(id))?.version, 1 + 2 * TIMES);
});

test('A lock held by another process delays writes only', async (t) => {
  const { db, path } = await makeFile(t);
  const other = openBeside(t, path);
  let attempts = 0;
  t.teardown(onLocked(() => attempts++));
  const ann = userNamed('ann');

  t.test('A write waits for a lock without blocking the event loop', async (t) => {
    other.exec('BEGIN IMMEDIATE');
    let isDone = false;
    const write = db.atomically([db.users.add(ann, NOW)]).finally(() => {
      isDone = true;
    });
    // This event loop also releases the lock, so a write that blocks it until then can't succeed.
    await until('the write is tried again and again', () => attempts >= 8 || undefined);
    t.notOk(isDone, 'the write waits');
    other.exec('COMMIT');
    t.equal(await write, undefined);
    t.match(await db.users.find(ann.id), { username: 'ann' });
  });

  t.test('A read does not wait for the lock', async (t) => {
    other.exec('BEGIN IMMEDIATE');
    // The lock is released after the read, so a read that waits for it can't succeed.
    t.match(await db.users.page('', 10), [{ username: 'ann' }]);
    other.exec('COMMIT');
  });

  t.test('A write gives DatabaseUnavailableError when the lock is held for too long', async (t) => {
    other.exec('BEGIN IMMEDIATE');
    await t.rejects(db.atomically([db.users.add(userNamed('bob'), NOW)]), DatabaseUnavailableError);
    other.exec('COMMIT');
    t.match(await db.users.page('', 10), { length: 1 }, 'nothing was written');
  });
});

test('The size of the write-ahead log (WAL) is limited', async (t) => {
  const MEGABYTE = 1024 * 1024;
  const LIMIT = 64 * MEGABYTE;
  const { db, engine, path } = await makeFile(t, { worker: true });
  const other = openBeside(t, path);
  other.pragma('wal_autocheckpoint = 0');
  other.exec('CREATE TABLE ballast (content BLOB)');
  const write = (megabytes: number) =>
    other.prepare('INSERT INTO ballast VALUES (zeroblob(?))').run(megabytes * MEGABYTE);
  const size = () => statSync(`${path}-wal`).size;

  t.test('The WAL grows without checkpoints', async (t) => {
    write(40);
    write(40);
    t.ok(size() > 80 * MEGABYTE, `the WAL has ${size()} bytes`);
  });

  t.test('The next write after checkpoint() truncates the WAL', async (t) => {
    await engine.checkpoint();
    t.equal(await db.atomically([db.users.add(userNamed('ann'), NOW)]), undefined);
    t.ok(size() <= LIMIT, `the WAL has ${size()} bytes`);
  });

  t.test('The WAL is reused from its start after a checkpoint', async (t) => {
    await engine.checkpoint();
    write(8);
    t.ok(size() <= LIMIT, `the WAL has ${size()} bytes`);
    t.match(await db.users.page('', 10), { length: 1 });
  });
});

test('A database file that is truncated while open gives DatabaseUnavailableError', async (t) => {
  const { db, path } = await makeFile(t);
  truncateSync(path);
  await t.rejects(db.atomically([db.users.add(userNamed('ann'), NOW)]), DatabaseUnavailableError);
  await t.rejects(db.users.page('', 10), DatabaseUnavailableError);
});

test('A database file that is removed while open gives DatabaseUnavailableError', async (t) => {
  const { db, path } = await makeFile(t);
  renameSync(path, `${path}.gone`);
  const refused = await db.atomically([db.users.add(userNamed('ann'), NOW)]).catch((error: unknown) => error);
  t.ok(refused instanceof DatabaseUnavailableError, 'a write is refused');
  t.match(String(refused), path);
  await t.rejects(db.users.page('', 10), DatabaseUnavailableError, 'a read is refused');
  await t.rejects(
    openFile(t, path, { worker: true }),
    MissingDatabaseError,
    'a worker does not create a new file',
  );
  t.notOk(existsSync(path));
});
