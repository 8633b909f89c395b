/**
 * What a request reads only to show it may be as old as the request, and no older: SQLite's engine then looks once for all of it
 * whether anything has changed. What it keeps, and that nothing else is missed, is in row-cache.test.ts.
 */
import { onEachEngine } from '../support/engines.ts';
import { openServing, sessionOf, userNamed } from '../support/files.ts';
import { noteStatements } from '../support/statements.ts';

onEachEngine('what is read since a moment', async (t, { name, makeDatabase }) => {
  const url = await makeDatabase(t);
  const [{ db }, other] = [await openServing(t, url), await openServing(t, url)];
  const [ann, bob] = [userNamed('ann'), userNamed('bob')];
  const session = sessionOf(ann.id);
  await db.atomically([...[ann, bob].map((user) => db.users.add(user, 1)), ...db.sessions.start(session)]);
  /** Each change of bob goes from one version to the next. */
  let version = 0;
  const rename = async (by: typeof db, name: string) => {
    version += 1;
    t.equal(await by.atomically([by.users.change({ ...bob, version, name }, 2)]), undefined);
  };
  /** Often enough for both to be kept. */
  const learn = async () => {
    for (let asked = 0; asked < 3; asked++)
      t.match([await db.sessions.find(session.key), await db.users.find(bob.id)], [{}, { id: bob.id }]);
  };
  const statements = noteStatements(t);

  await t.test('is asked of SQLite once, and of MySQL each time', async (t) => {
    await learn();
    const since = db.moment();
    statements();
    t.match(await db.sessions.find(session.key), { userId: ann.id });
    t.match(await db.users.find(bob.id, since), { username: 'bob' });
    t.equal(statements().length, name === 'SQLite' ? 1 : 2);
    await db.users.find(bob.id);
    await db.users.find(bob.id, db.moment());
    t.equal(statements().length, 2, 'what is to be as it is now is asked for each time');
  });

  await t.test('is asked anew by whoever has asked nothing since', async (t) => {
    await learn();
    const since = db.moment();
    await rename(other.db, 'first');
    t.match(await db.users.find(bob.id, since), { name: 'first' });
    await learn();
    const next = db.moment();
    await rename(other.db, 'second');
    // Read for the first time, and so without asking whether it still holds: that tells nothing of others.
    await db.sessions.find('somebody whom nobody knows');
    t.match(await db.users.find(bob.id, next), { name: 'second' });
  });

  await t.test('is no older than the moment, whoever changed it', async (t) => {
    for (const by of [db, other.db]) {
      await learn();
      await rename(by, `by ${by === db ? 'this connection' : 'another'}`);
      const since = db.moment();
      await db.sessions.find(session.key);
      t.match(await db.users.find(bob.id, since), { version: version + 1 });
    }
  });

  await t.test('is as it is now when this connection has changed it in between', async (t) => {
    await learn();
    const since = db.moment();
    await db.sessions.find(session.key);
    await rename(db, 'in between');
    t.match(await db.users.find(bob.id, since), { name: 'in between' });
    await db.atomically([db.users.remove({ id: bob.id, version: version + 1 })]);
    t.equal(await db.users.find(bob.id, since), undefined);
  });
});
