/**
 * Migrations change what people have entrusted to the service. One that goes wrong must leave everything as it was, and
 * rebuilding a table, which is how SQLite changes a column, must not empty the tables that refer to it.
 */
import { type Test, test } from 'tap';
import { DuplicateError } from '../../db/engines/engine.ts';
import { ensureSchema, inspect, upgrade } from '../../db/migrate/migrator.ts';
import { makeFile, newPath, openBeside, openFile, sessionOf, userNamed } from '../support/files.ts';

/** What drizzle-kit writes for a changed column: a new table, the rows copied, the old one dropped. */
const REBUILD = [
  'PRAGMA foreign_keys=OFF',
  `CREATE TABLE __new_users (id text PRIMARY KEY NOT NULL, version integer DEFAULT 7 NOT NULL,
    created_at integer NOT NULL, updated_at integer NOT NULL, username text(64) NOT NULL,
    username_key text(64) NOT NULL, name text(200) DEFAULT '' NOT NULL, name_key text(64) DEFAULT '' NOT NULL,
    email text(254), email_key text(254),
    password_hash text(255), active integer DEFAULT true NOT NULL, rights_version integer DEFAULT 0 NOT NULL,
    last_sign_in_at integer)`,
  `INSERT INTO __new_users SELECT id, version, created_at, updated_at, username, username_key, name, name_key, email, email_key,
    password_hash, active, rights_version, last_sign_in_at FROM users`,
  'DROP TABLE users',
  'ALTER TABLE __new_users RENAME TO users',
  'PRAGMA foreign_keys=ON',
  'CREATE UNIQUE INDEX users_username_key ON users (username_key)',
];

test('migrations', async (t) => {
  /** @returns when each migration that the database has was generated, in the order in which they were applied. */
  const inFile = (t: Test, path: string) =>
    openBeside(t, path)
      .prepare<[], { created_at: number }>('SELECT created_at FROM __drizzle_migrations')
      .all();

  t.test('are pending on an empty database', async (t) => {
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

  t.test('are applied once, in their order', async (t) => {
    const path = newPath(t);
    const engine = await openFile(t, path);
    const { pending } = await inspect(engine);
    t.equal((await ensureSchema(engine, true)).length, pending.length, 'and told');
    t.same(await ensureSchema(engine, true), []);
    t.same(await ensureSchema(engine, false), []);
    t.same(
      inFile(t, path),
      pending.map(({ when }) => ({ created_at: when })),
    );
    const after = await inspect(engine);
    t.same([after.applied.length, after.pending], [pending.length, []]);
  });

  t.test('are applied once by several that upgrade at the same time', async (t) => {
    const path = newPath(t);
    const engines = [await openFile(t, path), await openFile(t, path), await openFile(t, path)];
    const [first] = engines;
    const pending = first ? (await inspect(first)).pending : [];
    await Promise.all(engines.map((engine) => upgrade(engine)));
    t.equal(inFile(t, path).length, pending.length);
  });

  t.test('that the code does not know are refused: the database is ahead', async (t) => {
    const { engine, path } = await makeFile(t);
    openBeside(t, path).exec(
      "INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('x', 99999999999999)",
    );
    const ahead = { name: 'MigrationError', message: /ahead of the code.*1 migrations/ };
    await t.rejects(upgrade(engine), ahead);
    await t.rejects(ensureSchema(engine, true), ahead);
    await t.rejects(ensureSchema(engine, false), ahead);
    t.match(await inspect(engine), { unknown: 1, pending: [] });
  });
});

test('work that is done exclusively', async (t) => {
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

  t.test('may rebuild a table, and those that refer to it keep their rows', async (t) => {
    await execute(REBUILD);
    t.match(beside.pragma('table_info(users)'), [{ name: 'id' }, { name: 'version', dflt_value: '7' }]);
    t.match(await db.sessions.find(session.key), { userId: ann.id });
    await t.rejects(
      db.atomically([db.users.add(userNamed('ann'), Date.now())]),
      new DuplicateError('users_username_key'),
    );
  });

  t.test('that fails in the middle leaves everything as it was', async (t) => {
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

  t.test('can be told of references to nothing before it is too late', async (t) => {
    const before = dump();
    const work = engine.withMigrationLock(async ({ run, brokenReferences }) => {
      t.same(await brokenReferences(), []);
      await run('DELETE FROM users');
      throw new Error((await brokenReferences()).join());
    });
    await t.rejects(work, { message: '1 rows of table sessions refer to rows of users that are not there.' });
    t.same(dump(), before);
  });

  t.test('lets nobody write meanwhile, and lets them go on after it', async (t) => {
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { promise: finish, resolve: end } = Promise.withResolvers<void>();
    const order: string[] = [];
    const work = engine.withMigrationLock(async ({ run }) => {
      await run("UPDATE users SET name = 'Ann'");
      begin();
      await finish;
      order.push('work');
    });
    await begun;
    const write = db.atomically([db.users.add(userNamed('bob'), Date.now())]).then(() => order.push('write'));
    setTimeout(end, 200);
    await Promise.all([work, write]);
    t.same(order, ['work', 'write']);
  });

  t.test('ends with foreign keys enforced, as before', async (t) => {
    const [row] = await db.users.page('', 1);
    t.equal(row?.name, 'Ann');
    await db.atomically([db.users.remove({ id: ann.id, version: 1 })]);
    t.same(beside.prepare('SELECT * FROM sessions').all(), []);
  });
});
