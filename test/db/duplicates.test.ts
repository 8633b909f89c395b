/** The name of the violated unique index decides which field the API reports, so both engines must report the same name. */
import { randomUUIDv7 } from 'node:crypto';
import { loadSettings } from '../../config/load.ts';
import { openEngine, prepareQueries } from '../../db/database.ts';
import { DuplicateError } from '../../db/engines/engine.ts';
import { upgrade } from '../../db/migrate/migrator.ts';
import { onEachEngine } from '../support/engines.ts';
import { userNamed } from '../support/files.ts';

onEachEngine('A duplicate key is reported with the name of its index', async (t, { makeDatabase }) => {
  const environment = { DATABASE_URL: await makeDatabase(t) };
  const engine = await openEngine(loadSettings({ root: import.meta.dirname, environment }), { create: true });
  t.teardown(() => engine.close());
  await upgrade(engine);
  await engine.withMigrationLock(({ run }) =>
    run('CREATE UNIQUE INDEX memberships_user_id_role ON memberships (user_id, role)'),
  );
  const db = prepareQueries(engine);
  const group = (name: string, id = randomUUIDv7()) => ({ id, name, title: '', permissions: [] });
  const add = (...groups: ReturnType<typeof group>[]) =>
    db.atomically(groups.flatMap((each) => db.groups.add(each, 1)));

  t.test('DuplicateError names the unique index, whatever the value is', async (t) => {
    for (const name of ['plain', "it's for key 'other'", "a.b' for key 'users.c", 'groups.title']) {
      await add(group(name));
      await t.rejects(add(group(name)), new DuplicateError('groups_name'), name);
    }
  });

  t.test('DuplicateError names a primary key PRIMARY', async (t) => {
    const id = randomUUIDv7();
    await t.rejects(add(group('one', id), group('two', id)), new DuplicateError('PRIMARY'));
  });

  t.test('DuplicateError names a unique index of several columns', async (t) => {
    const [ann, one, two] = [userNamed('ann'), group('one'), group('two')];
    await db.atomically([db.users.add(ann, 1)]);
    await add(one, two);
    const both = [one, two].flatMap(({ id }) =>
      db.memberships.add({ groupId: id, userId: ann.id, role: 'member' }, 1),
    );
    await t.rejects(db.atomically(both), new DuplicateError('memberships_user_id_role'));
  });
});
