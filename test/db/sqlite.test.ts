/**
 * What the service relies on when it writes to SQLite: lists of writes that happen wholly or not at all, beside other
 * processes that write as well, and without keeping those waiting who only read.
 */
import { randomUUIDv7 } from 'node:crypto';
import { existsSync, renameSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'tap';
import { DatabaseUnavailableError, DuplicateError, MissingReferenceError } from '../../db/engines/engine.ts';
import { makeFile, openBeside, openFile, sessionOf, userNamed } from '../support/files.ts';
import { makeFolder, Running } from '../support/processes.ts';

const NOW = Date.now();

test('a list of writes happens wholly, or not at all', async (t) => {
  const { db, engine, path } = await makeFile(t);
  const ann = userNamed('ann');
  const names = async () => (await db.users.page('', 100)).map(({ username }) => username);

  t.test('all of it', async (t) => {
    const session = sessionOf(ann.id);
    t.equal(await db.atomically([db.users.add(ann, NOW), db.sessions.add(session)]), undefined);
    t.same(await names(), ['ann']);
    t.match(await db.sessions.find(session.key), { userId: ann.id });
  });

  t.test('an empty list', async (t) => t.equal(await db.atomically([]), undefined));

  t.test('nothing when a write touches another number of rows, and that write is returned', async (t) => {
    const absent = db.users.remove({ id: randomUUIDv7(), version: 1 });
    const list = [db.users.add(userNamed('bob'), NOW), absent, db.users.add(userNamed('cem'), NOW)];
    t.equal(await db.atomically(list), absent);
    t.same(await names(), ['ann']);
  });

  t.test('a version that has been left behind counts as missed', async (t) => {
    const change = db.users.change({ ...ann, name: 'Ann', version: 1 }, NOW);
    t.equal(await db.atomically([change]), undefined);
    t.equal(await db.atomically([change]), change);
  });

  t.test('nothing when a key exists already, and the error names the index', async (t) => {
    const list = [db.users.add(userNamed('bob'), NOW), db.users.add(userNamed('ANN'), NOW)];
    await t.rejects(db.atomically(list), new DuplicateError('users_username_key'));
    const withEmail = (name: string) => ({ ...userNamed(name), email: 'one@example.org' });
    const emails = [db.users.add(withEmail('bob'), NOW), db.users.add(withEmail('cem'), NOW)];
    await t.rejects(db.atomically(emails), new DuplicateError('users_email_key'));
    const group = () => db.groups.add({ id: randomUUIDv7(), name: 'ops', title: '', permissions: [] }, NOW);
    await t.rejects(db.atomically([...group(), ...group()]), new DuplicateError('groups_name'));
    t.same(await names(), ['ann']);
  });

  t.test('nothing when a write fails otherwise; the next list finds no transaction open', async (t) => {
    const broken = engine.write(
      engine.build.insert(engine.tables.groupPermissions).values({ groupId: 'nobody', permission: '*' }),
      1,
    );
    const failing = db.atomically([db.users.add(userNamed('bob'), NOW), broken({})]);
    await t.rejects(failing, new MissingReferenceError());
    t.same(await names(), ['ann']);
    t.equal(await db.atomically([db.users.add(userNamed('bob'), NOW)]), undefined);
    t.same(await names(), ['ann', 'bob']);
  });

  t.test('and is seen at once by other connections', async (t) => {
    const count = openBeside(t, path).prepare('SELECT count(*) AS users FROM users');
    t.same(count.get(), { users: 2 });
  });
});

test('the connection', async (t) => {
  const { db, engine, path } = await makeFile(t);

  t.test('keeps a log of writes, so that readers and a writer do not wait for each other', async (t) => {
    t.same(openBeside(t, path).pragma('journal_mode'), [{ journal_mode: 'wal' }]);
  });

  t.test('enforces foreign keys', async (t) => {
    const ann = userNamed('ann');
    const session = sessionOf(ann.id);
    await db.atomically([db.users.add(ann, NOW), db.sessions.add(session)]);
    await db.atomically([db.users.remove({ id: ann.id, version: 1 })]);
    const count = engine.read(
      engine.build.select({ key: engine.tables.sessions.key }).from(engine.tables.sessions),
    );
    t.same(await count(), [], "with a user their sessions go, even those that the query can't reach");
  });

  t.test('a file that is no database is refused as unavailable', async (t) => {
    const file = join(import.meta.dirname, 'sqlite.test.ts');
    await t.rejects(openFile(t, file), { name: 'DatabaseUnavailableError', message: /not a database/ });
  });

  t.test('a path below a file is refused as unavailable, with the path', async (t) => {
    const below = join(import.meta.dirname, 'sqlite.test.ts', 'rollcall.db');
    await t.rejects(openFile(t, below), { name: 'DatabaseUnavailableError', message: below });
  });
});

test('processes that write the same rows lose nothing', async (t) => {
  const TIMES = 500;
  const { db, path } = await makeFile(t);
  const groups = ['one', 'two'].map((name) => ({ id: randomUUIDv7(), name, title: '', permissions: [] }));
  await db.atomically(groups.flatMap((group) => db.groups.add(group, NOW)));

  const program = join(import.meta.dirname, '../support/contender.ts');
  const ids = groups.map(({ id }) => id);
  const contenders = [ids, ids.toReversed()].map(
    (order) =>
      new Running(makeFolder(t), process.execPath, [program, path, `${TIMES}`, ...order], {}, 'pipe'),
  );
  t.teardown(() => {
    for (const each of contenders) each.kill();
  });
  const said = (pattern: RegExp) => (stdout: string) => pattern.exec(stdout)?.[0];
  await Promise.all(contenders.map((each) => each.says('that it is ready', said(/ready/))));
  for (const { child } of contenders) child.stdin?.write('go');
  const done = await Promise.all(contenders.map((each) => each.says('that it is done', said(/done: \d+/))));

  t.same(done, [`done: ${TIMES}`, `done: ${TIMES}`], 'each write took effect');
  for (const { id } of groups) t.equal((await db.groups.find(id))?.version, 1 + 2 * TIMES);
});

test('a lock that another process holds', async (t) => {
  const { db, path } = await makeFile(t);
  const other = openBeside(t, path);
  /** Holds the lock for so long. @returns what came of the work, and the longest time that nothing else could run. */
  async function whileLocked<Result>(milliseconds: number, work: () => Promise<Result>) {
    let longest = 0;
    let last = performance.now();
    const watch = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 5);
    other.exec('BEGIN IMMEDIATE');
    const settled = work().then(
      (result) => ({ result, error: undefined, at: performance.now() }),
      (error: unknown) => ({ result: undefined, error, at: performance.now() }),
    );
    const giveUp = new AbortController();
    await Promise.race([delay(milliseconds, undefined, giveUp), settled]);
    giveUp.abort();
    other.exec('COMMIT');
    const released = performance.now();
    const { result, error, at } = await settled;
    clearInterval(watch);
    return { result, error, late: at - released, longest };
  }

  t.test('for a second is waited for, while everybody else is served', async (t) => {
    const ann = userNamed('ann');
    const { error, late, longest } = await whileLocked(1000, () => db.atomically([db.users.add(ann, NOW)]));
    t.equal(error, undefined);
    t.match(await db.users.find(ann.id), { username: 'ann' });
    t.ok(late > 0 && late < 600, `done ${late} ms after the lock was free`);
    t.ok(longest < 200, `nothing else ran for ${longest} ms at most`);
  });

  t.test('does not keep readers waiting', async (t) => {
    const { result, late } = await whileLocked(300, () => db.users.page('', 10));
    t.equal(result?.length, 1);
    t.ok(late < 0 || late < 20, `done ${late} ms after the lock was free`);
  });

  t.test('for too long is told as unavailable', async (t) => {
    const { error } = await whileLocked(10_000, () => db.atomically([db.users.add(userNamed('bob'), NOW)]));
    t.ok(error instanceof DatabaseUnavailableError, String(error));
    t.match(await db.users.page('', 10), { length: 1 }, 'and nothing was written');
  });
});

test('the log of writes', async (t) => {
  const MEGABYTE = 1024 * 1024;
  const LIMIT = 64 * MEGABYTE;
  const { db, engine, path } = await makeFile(t, { worker: true });
  const other = openBeside(t, path);
  other.pragma('wal_autocheckpoint = 0');
  other.exec('CREATE TABLE ballast (content BLOB)');
  const write = (megabytes: number) =>
    other.prepare('INSERT INTO ballast VALUES (zeroblob(?))').run(megabytes * MEGABYTE);
  const size = () => statSync(`${path}-wal`).size;

  t.test('grows while nobody empties it', async (t) => {
    write(40);
    write(40);
    t.ok(size() > 80 * MEGABYTE, `${size()} bytes`);
  });

  t.test('is cut back by the next write after checkpoint()', async (t) => {
    await engine.checkpoint();
    t.equal(await db.atomically([db.users.add(userNamed('ann'), NOW)]), undefined);
    t.ok(size() <= LIMIT, `${size()} bytes`);
  });

  t.test('is used again from its beginning', async (t) => {
    await engine.checkpoint();
    write(8);
    t.ok(size() <= LIMIT, `${size()} bytes`);
    t.match(await db.users.page('', 10), { length: 1 });
  });
});

test('a database file that is emptied while it is open', async (t) => {
  const { db, path } = await makeFile(t);
  truncateSync(path);
  await t.rejects(db.atomically([db.users.add(userNamed('ann'), NOW)]), DatabaseUnavailableError);
  await t.rejects(db.users.page('', 10), DatabaseUnavailableError);
});

test('a database file that is removed or replaced while it is open', async (t) => {
  const { db, path } = await makeFile(t);
  renameSync(path, `${path}.gone`);
  const refused = await db.atomically([db.users.add(userNamed('ann'), NOW)]).catch((error: unknown) => error);
  t.ok(refused instanceof DatabaseUnavailableError, 'is not written to');
  t.match(String(refused), path);
  await t.rejects(db.users.page('', 10), DatabaseUnavailableError, 'nor read any more');
  await t.rejects(openFile(t, path, { worker: true }), DatabaseUnavailableError, 'a worker makes no new one');
  t.notOk(existsSync(path));
});
