/** A query that is built or used wrongly is refused: a mistake in the code must not become a wrong row or a wrong write. */
import { and, eq } from '../../../db/drizzle.ts';
import { equals, placeholder } from '../../../db/schema/column-types.ts';
import { onEachEngine } from '../../support/engines.ts';
import { openServing, userNamed } from '../../support/files.ts';

onEachEngine('Mistakes in queries are refused', async (t, { name, makeDatabase }) => {
  const { db, engine } = await openServing(t, await makeDatabase(t));
  const { build, tables } = engine;
  const { users, memberships } = tables;
  await db.atomically([db.users.add(userNamed('ann'), 1)]);

  t.test('A placeholder without a value is refused, whether or not its column converts it', async (t) => {
    const both = and(equals(users.active, 'active'), eq(users.username, placeholder('username')));
    const read = engine.read(build.select({ id: users.id }).from(users).where(both));
    t.equal((await read({ active: true, username: 'ann' })).length, 1);
    await t.rejects(read({ active: true }), new TypeError('The query has no value for username.'));
    await t.rejects(read({ username: 'ann' }), new TypeError('The query has no value for active.'));
  });

  t.test('A query of several tables that does not name its fields is refused', async (t) => {
    const joined = build.select().from(users).leftJoin(memberships, eq(memberships.userId, users.id));
    await t.rejects(engine.read(joined)(), new TypeError('A query of several tables must name its fields.'));
  });

  t.test('A query that selects what is no column is refused before it runs', async (t) => {
    const nested = build.select({ id: users.id, more: { username: users.username } }).from(users);
    t.throws(() => engine.read(nested), /neither a column nor an expression/);
  });

  t.test(
    'A step that no engine has prepared is refused, and the steps before it are rolled back',
    async (t) => {
      const steps = [db.users.add(userNamed('bob'), 1), { rows: 1 }];
      await t.rejects(db.atomically(steps), new TypeError('This step was prepared by another engine.'));
      t.match(await db.users.page('', 10), { length: 1 });
    },
  );

  t.test('A statement that the database does not understand is refused', async (t) => {
    const message =
      name === 'SQLite' ? /^incomplete input$/ : /^The database refused a statement: ER_PARSE_ERROR \(/;
    await t.rejects(engine.query('SELECT 1 FROM'), { message });
  });
});
