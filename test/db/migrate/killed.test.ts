/**
 * Tests a migrator that is killed halfway. SQLite rolls back. On MySQL it is unknown whether the last statement took
 * effect, so the operator has to check that and choose `--unfinished skip` or `--unfinished redo`.
 */
import Sqlite from 'better-sqlite3';
import mysql from 'mysql2/promise';
import { type Test, test } from 'tap';
import { query, rowsOf, schemaOf } from '../../support/database-content.ts';
import { engines } from '../../support/engines.ts';
import { type ProjectCopy, prepareFailingMigration } from '../../support/migrations.ts';
import { Running, until } from '../../support/running.ts';

const NAME = '0001_half';

/** Starts `manage db upgrade` in its own process. */
function startUpgrade(t: Test, { folder }: ProjectCopy, url: string): Running {
  const environment = { DATABASE_URL: url };
  const migrator = new Running(
    folder,
    process.execPath,
    ['manage.ts', 'db', 'upgrade'],
    environment,
    'ignore',
  );
  t.teardown(() => migrator.kill());
  return migrator;
}

for (const { name, makeDatabase } of engines) {
  if (name === 'SQLite') {
    test('A killed migrator changes nothing, on SQLite', async (t) => {
      const endless =
        'INSERT INTO half WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c';
      const { project, url } = await prepareFailingMigration(t, makeDatabase, endless);
      const before = [await schemaOf(url), await rowsOf(url)];
      const migrator = startUpgrade(t, project, url);
      const client = new Sqlite(url.slice('sqlite:'.length), { timeout: 0 });
      t.teardown(() => client.close());
      await until('the migrator holds the lock', () => {
        try {
          client.exec('BEGIN IMMEDIATE; ROLLBACK');
        } catch {
          return true;
        }
        return undefined;
      });
      migrator.kill();
      t.match(await migrator.exit, { signal: 'SIGKILL' });
      t.strictSame([await schemaOf(url), await rowsOf(url)], before);
      project.write('sqlite', `${NAME}.sql`, 'CREATE TABLE half (id int)');
      await t.resolves(project.migrate(url, 'upgrade', NAME), 'the next upgrade succeeds');
    });
    continue;
  }

  test('A migration whose migrator was killed can be finished, on MySQL', async (t) => {
    const { project, url } = await prepareFailingMigration(t, makeDatabase, 'INSERT INTO middle VALUES (1)');
    await query(url, 'CREATE TABLE middle (id int)');
    const rows = await rowsOf(url);
    const instruction =
      /stopped at statement 2 of 3 in 0001_half\.sql, which was not answered\. Look .*--unfinished skip.*--unfinished redo/;

    t.test('An upgrade after the kill asks the operator to check the last statement', async (t) => {
      const holder = await mysql.createConnection(url);
      t.teardown(() => holder.destroy());
      await holder.query('LOCK TABLES middle WRITE');
      const migrator = startUpgrade(t, project, url);
      const waiting =
        "SELECT id FROM information_schema.PROCESSLIST WHERE db = DATABASE() AND info LIKE 'INSERT INTO middle%'";
      await until('the statement waits for the lock', async () => (await query(url, waiting))[0]);
      migrator.kill();
      t.match(await migrator.exit, { signal: 'SIGKILL' });
      await holder.query('UNLOCK TABLES');
      await query(url, 'CREATE TABLE __kept AS SELECT * FROM __rollcall_unfinished');
      const refused = await project.runDb(url, 'upgrade');
      t.match(refused, { code: 1, stderr: instruction });
      t.strictSame(
        await rowsOf(url),
        { ...rows, half: [], middle: [{ id: 1 }] },
        'the last statement took effect',
      );
    });

    t.test('"upgrade --unfinished skip" continues after the last statement', async (t) => {
      t.strictSame(await project.dbOutput(url, 'upgrade', '--unfinished', 'skip'), [`applied ${NAME}`]);
      t.strictSame(await rowsOf(url), { ...rows, half: [], last: [], middle: [{ id: 1 }] });
    });

    t.test('"upgrade --unfinished redo" runs the last statement again', async (t) => {
      await project.migrate(url, 'downgrade', '0000_first');
      await query(url, 'CREATE TABLE half (id int)');
      await query(url, 'INSERT INTO __rollcall_unfinished SELECT * FROM __kept');
      await t.rejects(project.migrate(url, 'upgrade', NAME), { message: instruction });
      t.strictSame(await project.dbOutput(url, 'upgrade', '--unfinished', 'redo'), [`applied ${NAME}`]);
      t.strictSame(await rowsOf(url), { ...rows, half: [], last: [], middle: [{ id: 1 }] });
    });

    t.test('A redo that is refused, since the statement took effect, leaves the choice open', async (t) => {
      await project.migrate(url, 'downgrade', '0000_first');
      await query(url, 'CREATE TABLE half (id int)');
      await query(url, 'DELETE FROM middle');
      await query(url, 'ALTER TABLE middle ADD PRIMARY KEY (id)');
      await query(url, 'INSERT INTO middle VALUES (1)');
      await query(url, 'INSERT INTO __rollcall_unfinished SELECT * FROM __kept');
      const refused = await project.runDb(url, 'upgrade', '--unfinished', 'redo');
      const advice =
        /statement 2 of 3 in 0001_half\.sql failed: .* Look whether it took effect: if so .*skip/i;
      t.match(refused, { code: 1, stderr: advice });
      t.strictSame(await project.dbOutput(url, 'upgrade', '--unfinished', 'skip'), [`applied ${NAME}`]);
    });
  });
}
