/**
 * A failed migration on SQLite must change nothing. SQLite changes a column by rebuilding the table, and that must not
 * delete the rows of tables that reference it.
 */
import { type Test, test } from 'tap';
import { DuplicateError } from '../../../../db/engines/engine.ts';
import { ensureSchema, inspect, upgrade } from '../../../../db/migrate/migrator.ts';
import { makeFile, newPath, openBeside, openFile, sessionOf, userNamed } from '../../../support/files.ts';
import { onLocked } from '../../../support/locked.ts';
import { until } from '../../../support/running.ts';

/** The statements of drizzle-kit for a changed column: create a new table, copy the rows, drop the old table. */
const REBUILD = [
  'PRAGMA foreign_keys=OFF',
  `CREATE TABLE __new_users (id text PRIMARY KEY NOT NULL, version integer DEFAULT 7 NOT NULL,
    created_at integer NOT NULL, updated_at integer NOT NULL, username text(64) NOT NULL,
    username_key text(192) NOT NULL, username_search_key text(64) DEFAULT '' NOT NULL,
    name text(200) DEFAULT '' NOT NULL, name_key text(64) DEFAULT '' NOT NULL,
    email text(254), email_key text(762), email_search_key text(64),
    password_hash text(255), password_set_by text(16), password_set_by_id text, password_set_at integer,
    active integer DEFAULT true NOT NULL, rights_version integer DEFAULT 0 NOT NULL, last_sign_in_at integer,
    pending_email text(254))`,
  `INSERT INTO __new_users SELECT id, version, created_at, updated_at, username, username_key, username_search_key,
    name, name_key, email, email_key, email_search_key, password_hash, password_set_by, password_set_by_id, password_set_at,
    active, rights_version, last_sign_in_at, pending_email FROM users`,
  'DROP TABLE users',
  'ALTER TABLE __new_users RENAME TO users',
  'PRAGMA foreign_keys=ON',
  'CREATE UNIQUE INDEX users_username_key ON users (username_key)',
];

test('SQLite migrations are applied once and in order', async (t) => {
  /** @returns the applied migrations of the database, in the order in which they were applied. */
  const appliedIn = (t: Test, path: string) =>
    openBeside(t, path)
      .prepare<[], { created_at: number }>('SELECT created_at FROM __drizzle_migrations')
      .all();

  t.test('All migrations are pending on an empty database', async (t) => {
    const engine = await openFile(t, newPath(t));
    const { applied, pending, unknown } = await inspect(engine);
    t.same(applied, []);
    t.match(pending, [{ name: '0000_first' }]);
    t.equal(unknown, 0);
    await t.rejects(ensureSchema(engine, false), {
      name: 'MigrationError',
      message: /behind.*npm run manage -- db upgrade/,
    });
  });

  t.test('Migrations are applied once, in order', async (t) => {
    const path = newPath(t);
    const engine = await openFile(t, path);
    const { pending } = await inspect(engine);
    t.equal((await ensureSchema(engine, true)).length, pending.length, 'the applied migrations are returned');
    t.same(await ensureSchema(engine, true), []);
    t.same(await ensureSchema(engine, false), []);
    t.same(
      appliedIn(t, path),
      pending.map(({ when }) => ({ created_at: when })),
    );
    const after = await inspect(engine);
    t.same([after.applied.length, after.pending], [pending.length, []]);
  });

  t.test('Concurrent upgrades apply each migration once', async (t) => {
    const path = newPath(t);
    const engines = [await openFile(t, path), await openFile(t, path), await openFile(t, path)];
    const [first] = engines;
    const pending = first ? (await inspect(first)).pending : [];
    await Promise.all(engines.map((engine) => upgrade(engine)));
    t.equal(appliedIn(t, path).length, pending.length);
  });

  t.test('A database with unknown migrations is refused as ahead of the code', async (t) => {
    const { engine, path } = await makeFile(t);
    openBeside(t, path).exec(
      "INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('x', 99999999999999)",
    );
    const ahead = { name: 'MigrationError', message: /ahead of the code.*a migration/ };
    await t.rejects(upgrade(engine), ahead);
    await t.rejects(ensureSchema(engine, true), ahead);
    await t.rejects(ensureSchema(engine, false), ahead);
    t.match(await inspect(engine), { unknown: 1, pending: [] });
  });
});

test('Work under the migration lock is atomic and exclusive', async (t) => {
  const { db, engine, path } = await makeFile(t);
  const ann = userNamed('ann');
  const session = sessionOf(ann.id);
  await db.atomically([db.users.add(ann, Date.now()), db.sessions.add(session)]);
  const beside = openBeside(t, path);
  const dump = () => [
    beside.prepare('SELECT * FROM sqlite_schema ORDER BY name').all(),
    ...['users', 'sessions', 'groups', '__drizzle_migrations'].map((table) =>
      beside.prepare(`SELECT * FROM ${table}`).all(),
    ),
  ];
  const execute = (statements: string[]) =>
    engine.withMigrationLock(async ({ run }) => {
      for (const statement of statements) await run(statement);
    });

  t.test('Rebuilding a table keeps the rows of tables that reference it', async (t) => {
    await execute(REBUILD);
    t.match(beside.pragma('table_info(users)'), [{ name: 'id' }, { name: 'version', dflt_value: '7' }]);
    t.match(await db.sessions.find(session.key), { userId: ann.id });
    await t.rejects(
      db.atomically([db.users.add(userNamed('ann'), Date.now())]),
      new DuplicateError('users_username_key'),
    );
  });

  t.test('Work that fails halfway changes nothing', async (t) => {
    const before = dump();
    const half = ["UPDATE users SET name = 'lost'", 'DROP TABLE sessions', 'CREATE TABLE half (id text)'];
    await t.rejects(execute([...half, 'ALTER TABLE nowhere ADD COLUMN x text']), { message: /nowhere/ });
    t.same(dump(), before);
    await t.rejects(
      engine.withMigrationLock(async ({ run }) => {
        await run('DROP TABLE sessions');
        throw new Error('given up');
      }),
      { message: 'given up' },
    );
    t.same(dump(), before);
  });

  t.test('Work can check for broken references before it commits', async (t) => {
    const before = dump();
    const work = engine.withMigrationLock(async ({ run, query }) => {
      const broken = () => engine.brokenReferences(query, new Set(['sessions', 'memberships']));
      t.same(await broken(), []);
      await run('DELETE FROM users');
      throw new Error((await broken()).join());
    });
    await t.rejects(work, { message: '1 rows of table sessions refer to rows of users that are not there.' });
    t.same(dump(), before);
  });

  t.test('Other writes wait until the work ends, and then succeed', async (t) => {
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    const { promise: finish, resolve: end } = Promise.withResolvers<void>();
    const order: string[] = [];
    let attempts = 0;
    t.teardown(onLocked(() => attempts++));
    const work = engine.withMigrationLock(async ({ run }) => {
      await run("UPDATE users SET name = 'Ann'");
      start();
      await finish;
      order.push('work');
    });
    await started;
    const write = db.atomically([db.users.add(userNamed('bob'), Date.now())]).then(() => order.push('write'));
    await until('the write has found the lock', () => attempts > 0 || undefined);
    end();
    await Promise.all([work, write]);
    t.same(order, ['work', 'write']);
  });

  t.test('Foreign keys are enforced again after the work', async (t) => {
    const [row] = await db.users.page('', 1);
    t.equal(row?.name, 'Ann');
    await db.atomically([db.users.remove({ id: ann.id, version: 1 })]);
    t.same(beside.prepare('SELECT * FROM sessions').all(), []);
  });
});
