/** Several hosts may start at the same time on one database with AUTO_MIGRATE. Each migration must run exactly once. */
import { test } from 'tap';
import { loadSettings } from '../../../config/load.ts';
import { openEngine } from '../../../db/database.ts';
import { downgrade, ensureSchema, upgrade } from '../../../db/migrate/migrator.ts';
import { BASE } from '../../../db/migrate/targets.ts';
import { query } from '../../support/database-content.ts';
import { engines, onEachEngine } from '../../support/engines.ts';
import { ProjectCopy } from '../../support/migrations.ts';
import { manage, runServer } from '../../support/processes.ts';
import { until } from '../../support/running.ts';

onEachEngine('Concurrent processes run each migration once', async (t, { makeDatabase }) => {
  const project = new ProjectCopy(t);
  project.addMigration('0001_ran', ['CREATE TABLE ran (name varchar(20))'], ['DROP TABLE ran']);
  const names = ['0002_a', '0003_b', '0004_c'];
  for (const name of names) {
    project.addMigration(
      name,
      [`INSERT INTO ran VALUES ('up ${name}')`],
      [`INSERT INTO ran VALUES ('down ${name}')`],
    );
  }
  const applied = ['0000_first', '0001_ran', ...names].map((name) => `applied ${name}`);
  const nothing = 'Nothing to do: the database is there already, or beyond it.';

  for (const processes of [2, 4]) {
    t.test(`Each migration runs once when ${processes} processes upgrade at the same time`, async (t) => {
      const url = await makeDatabase(t);
      const all = Array.from({ length: processes });
      const ups = await Promise.all(all.map(() => project.dbOutput(url, 'upgrade')));
      t.strictSame(ups.flat().sort(), [...all.slice(1).map(() => nothing), ...applied].sort());
      t.strictSame(
        (await query(url, 'SELECT name FROM ran')).map(({ name }) => name),
        names.map((name) => `up ${name}`),
      );
      t.match(await query(url, 'SELECT COUNT(*) AS applied FROM __drizzle_migrations'), [{ applied: 5 }]);
    });
  }
});

for (const { makeDatabase } of engines.filter(({ name }) => name === 'MySQL')) {
  test('The service and commands notice that another process migrates, on MySQL', async (t) => {
    const DATABASE_URL = await makeDatabase(t);
    const open = () => openEngine(loadSettings({ root: import.meta.dirname, environment: { DATABASE_URL } }));
    const [migrating, starting] = [await open(), await open()];
    t.teardown(() => Promise.all([migrating.close(), starting.close()]));
    await upgrade(migrating, '0000');
    await downgrade(migrating, BASE, { acceptLoss: true });

    const begun = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const migrator = migrating.withMigrationLock(async ({ run }) => {
      await run("INSERT INTO __rollcall_unfinished VALUES ('0000_first', 'up', 0, 'begun', '', '')");
      begun.resolve();
      await finish.promise;
      await run('DELETE FROM __rollcall_unfinished');
    });
    await begun.promise;

    await t.test('A running migration is reported as running, not as unfinished', async (t) => {
      const environment = { DATABASE_URL, AUTO_MIGRATE: 'false', WORKERS: '1' };
      const [current, history, check, list, start] = await Promise.all([
        manage(['db', 'current'], { environment }),
        manage(['db', 'history'], { environment }),
        manage(['db', 'check'], { environment }),
        manage(['user', 'list'], { environment }),
        runServer(environment),
      ]);
      const busy = /another process is migrating/i;
      t.match(current, { code: 0, stdout: busy });
      t.match(history, { code: 0, stdout: /0000_first {2}pending, another process is at work on it/ });
      t.match(check, { code: 1, stdout: busy });
      for (const refused of [list, start]) t.match(refused, { code: 1, stderr: busy });
      for (const { stdout, stderr } of [current, history, check, list, start]) {
        t.notMatch(stdout + stderr, /--unfinished|behind/);
      }
    });

    await t.test('A service that starts with AUTO_MIGRATE waits for the running migration', async (t) => {
      const started = ensureSchema(starting, true);
      let refused = false;
      started.catch(() => {
        refused = true;
      });
      const waiting =
        "SELECT id FROM information_schema.PROCESSLIST WHERE db = DATABASE() AND info LIKE 'SELECT GET_LOCK%'";
      await until(
        'the service waits for the lock',
        async () => refused || (await query(DATABASE_URL, waiting))[0],
      );
      finish.resolve();
      await migrator;
      t.match(await started, ['0000_first']);
    });
  });
}
