/**
 * A migrator that is killed halfway, as by a host that goes down. SQLite undoes what it had begun; on MySQL nobody can
 * know whether the last statement took effect, so the operator has to look and to say how to go on.
 */
import Sqlite from 'better-sqlite3';
import mysql from 'mysql2/promise';
import { type Test, test } from 'tap';
import { engines } from '../support/engines.ts';
import { ask, prepareHalf, rowsOf, type Scratch, schemaOf } from '../support/migrations.ts';
import { Running, until } from '../support/processes.ts';

const NAME = '0001_half';

/** Begins to upgrade in a process of its own. */
function beginUpgrade(t: Test, { folder }: Scratch, url: string): Running {
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
    test('on SQLite a migrator that is killed leaves everything as it was', async (t) => {
      const endless =
        'INSERT INTO half WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c';
      const { scratch, url } = await prepareHalf(t, makeDatabase, endless);
      const before = [await schemaOf(url), await rowsOf(url)];
      const migrator = beginUpgrade(t, scratch, url);
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
      scratch.write('sqlite', `${NAME}.sql`, 'CREATE TABLE half (id int)');
      await t.resolves(scratch.move(url, 'upgrade', NAME), 'and the next one goes on');
    });
    continue;
  }

  test('on MySQL a migrator that is killed', async (t) => {
    const { scratch, url } = await prepareHalf(t, makeDatabase, 'INSERT INTO middle VALUES (1)');
    await ask(url, 'CREATE TABLE middle (id int)');
    const rows = await rowsOf(url);
    const how =
      /stopped at its statement 2, which was not answered\. Look .*--unfinished skip.*--unfinished redo/;

    t.test('leaves it to the operator to look whether the last statement took effect', async (t) => {
      const holder = await mysql.createConnection(url);
      t.teardown(() => holder.destroy());
      await holder.query('LOCK TABLES middle WRITE');
      const migrator = beginUpgrade(t, scratch, url);
      const waiting =
        "SELECT id FROM information_schema.PROCESSLIST WHERE db = DATABASE() AND info LIKE 'INSERT INTO middle%'";
      await until('the statement waits', async () => (await ask(url, waiting))[0]);
      migrator.kill();
      t.match(await migrator.exit, { signal: 'SIGKILL' });
      await holder.query('UNLOCK TABLES');
      await ask(url, 'CREATE TABLE __kept AS SELECT * FROM __rollcall_unfinished');
      const refused = await scratch.db(url, 'upgrade');
      t.match(refused, { code: 1, stderr: how });
      t.strictSame(await rowsOf(url), { ...rows, half: [], middle: [{ id: 1 }] }, 'which it did');
    });

    t.test('can be followed by one that skips it', async (t) => {
      t.strictSame(await scratch.did(url, 'upgrade', '--unfinished', 'skip'), [`applied ${NAME}`]);
      t.strictSame(await rowsOf(url), { ...rows, half: [], last: [], middle: [{ id: 1 }] });
    });

    t.test('can be followed by one that runs it again', async (t) => {
      await scratch.move(url, 'downgrade', '0000_first');
      await ask(url, 'CREATE TABLE half (id int)');
      await ask(url, 'INSERT INTO __rollcall_unfinished SELECT * FROM __kept');
      await t.rejects(scratch.move(url, 'upgrade', NAME), { message: how });
      t.strictSame(await scratch.did(url, 'upgrade', '--unfinished', 'redo'), [`applied ${NAME}`]);
      t.strictSame(await rowsOf(url), { ...rows, half: [], last: [], middle: [{ id: 1 }] });
    });
  });
}
