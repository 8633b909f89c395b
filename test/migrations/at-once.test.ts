/** Several hosts start at the same moment on one database, each of them with orders to migrate it. One must do it. */
import { onEachEngine } from '../support/engines.ts';
import { ask, Scratch } from '../support/migrations.ts';

onEachEngine('processes that migrate at the same time', async (t, { makeDatabase }) => {
  const scratch = new Scratch(t);
  scratch.add('0001_ran', ['CREATE TABLE ran (name varchar(20))'], ['DROP TABLE ran']);
  const names = ['0002_a', '0003_b', '0004_c'];
  for (const name of names) {
    scratch.add(name, [`INSERT INTO ran VALUES ('up ${name}')`], [`INSERT INTO ran VALUES ('down ${name}')`]);
  }
  const applied = ['0000_first', '0001_ran', ...names].map((name) => `applied ${name}`);
  const nothing = 'Nothing to do: the database is there already.';

  for (const processes of [2, 4]) {
    t.test(`run each migration once when they are ${processes}`, async (t) => {
      const url = await makeDatabase(t);
      const all = Array.from({ length: processes });
      const ups = await Promise.all(all.map(() => scratch.did(url, 'upgrade')));
      t.strictSame(ups.flat().sort(), [...all.slice(1).map(() => nothing), ...applied].sort());
      t.strictSame(
        (await ask(url, 'SELECT name FROM ran')).map(({ name }) => name),
        names.map((name) => `up ${name}`),
      );
      t.match(await ask(url, 'SELECT COUNT(*) AS applied FROM __drizzle_migrations'), [{ applied: 5 }]);
      if (processes > 2) return;

      const downs = await Promise.all(all.map(() => scratch.did(url, 'downgrade', '0001')));
      const back = names.map((name) => `took back ${name}`);
      t.strictSame(downs.flat().sort(), [nothing, ...back].sort());
      t.match(await ask(url, 'SELECT COUNT(*) AS ran FROM ran'), [{ ran: 6 }]);
    });
  }
});
