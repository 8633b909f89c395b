/**
 * Tests how a migration that stopped halfway continues on MySQL. Only the file shows which statements have run. If these
 * were edited since, continuing would make a schema that no file describes, so the command must refuse.
 */
import mysql from 'mysql2/promise';
import { test } from 'tap';
import { query, rowsOf } from '../../support/database-content.ts';
import { engines } from '../../support/engines.ts';
import { prepareFailingMigration } from '../../support/migrations.ts';
import { until } from '../../support/running.ts';
import { NetworkFault, TcpProxy } from '../engines/mysql/proxy.ts';

const NAME = '0001_half';
const FILE = `${NAME}.sql`;
const INSERT = 'INSERT INTO middle VALUES (1)';

for (const { makeDatabase } of engines.filter(({ name }) => name === 'MySQL')) {
  test('An unfinished migration continues only if its executed statements are unedited', async (t) => {
    const { project, url } = await prepareFailingMigration(t, makeDatabase, INSERT);
    const text = project.text('mysql', FILE);
    await t.rejects(project.migrate(url, 'upgrade', NAME), { message: /Statement 2 of 3 .* failed/ });
    const [recorded] = await query(url, 'SELECT * FROM __rollcall_unfinished');
    const rows = await rowsOf(url);
    const refused = async (edited: string, unfinished: 'redo' | 'skip', message: RegExp) => {
      project.write('mysql', FILE, edited);
      await t.rejects(project.migrate(url, 'upgrade', NAME, { unfinished }), {
        name: 'MigrationError',
        message,
      });
      t.strictSame(await rowsOf(url), rows, 'the refused command changed nothing');
      t.strictSame(
        await query(url, 'SELECT * FROM __rollcall_unfinished'),
        [recorded],
        'the unfinished migration is still recorded',
      );
    };
    const edited = /0001_half\.sql was edited since it stopped halfway: what was run .*Restore/;

    t.test('An edited statement that has already run is refused', async () => {
      await refused(text.replace('half (id int)', 'half (id bigint)'), 'redo', edited);
      await refused(`SELECT 1--> statement-breakpoint\n${text}`, 'redo', edited);
    });

    t.test('A file that ends before the failed statement is refused', async () => {
      await refused('CREATE TABLE half (id int)', 'redo', edited);
    });

    t.test('An edited statement can not be skipped', async () => {
      await refused(text.replace('(1)', '(2)'), 'skip', edited);
    });

    t.test('A migration continues when only the failed statement was edited', async (t) => {
      project.write('mysql', FILE, text.replace(INSERT, 'CREATE TABLE middle (id int)'));
      t.strictSame(await project.dbOutput(url, 'upgrade', '--unfinished', 'redo'), [`applied ${NAME}`]);
      t.strictSame(await rowsOf(url), { ...rows, middle: [], last: [] });
    });
  });

  test('A migration of another version that stopped halfway is left to that version', async (t) => {
    const { project, url } = await prepareFailingMigration(t, makeDatabase, INSERT);
    await t.rejects(project.migrate(url, 'upgrade', NAME));
    await query(url, "UPDATE __rollcall_unfinished SET name = '0009_new', state = 'begun'");
    const { code, stderr } = await project.runDb(url, 'upgrade', '--unfinished', 'skip');
    t.match(
      { code, stderr },
      { code: 1, stderr: /0009_new \(up\) of another version stopped halfway\. Continue with/ },
    );
  });

  test('A connection lost during a migration is reported with the statement', async (t) => {
    const { project, url } = await prepareFailingMigration(t, makeDatabase, INSERT);
    await query(url, 'CREATE TABLE middle (id int)');
    const { port } = new URL(url);
    const proxy = new TcpProxy(Number(port));
    await proxy.start(t);
    const through = url.replace(`:${port}/`, `:${proxy.port}/`);
    const lost = {
      name: 'MigrationError',
      message:
        /^Statement 2 of 3 in 0001_half\.sql was not answered: .*--unfinished skip", else with .*--unfinished redo".*The statement: INSERT INTO middle/,
    };

    t.test('A lost connection is reported with the statement and the commands that continue', async (t) => {
      proxy.decide = new NetworkFault('INSERT INTO middle', 'unanswered').decide;
      await t.rejects(project.migrate(through, 'upgrade', NAME), lost);
      t.match(
        (await project.dbOutput(url, 'current')).join(' '),
        /stopped at statement 2 of 3 in 0001_half\.sql, which was not answered.*The statement: INSERT INTO middle/,
      );
      t.strictSame(await query(url, 'SELECT * FROM middle'), [{ id: 1 }]);
      await project.migrate(url, 'upgrade', NAME, { unfinished: 'skip' });
      await project.migrate(url, 'downgrade', '-1');
    });

    t.test('A connection killed by the server is reported in the same way', async (t) => {
      const holder = await mysql.createConnection(url);
      t.teardown(() => holder.destroy());
      await holder.query('LOCK TABLES middle WRITE');
      const refused = t.rejects(project.migrate(url, 'upgrade', NAME), lost);
      const waiting = await until('the statement waits for the lock', async () => {
        const [row] = await query(
          url,
          `SELECT id FROM information_schema.PROCESSLIST WHERE db = DATABASE() AND info LIKE '${INSERT}'`,
        );
        return row;
      });
      await query(url, `KILL ${waiting.id ?? waiting.ID}`);
      await refused;
      await holder.query('UNLOCK TABLES');
      await project.migrate(url, 'upgrade', NAME, { unfinished: 'redo' });
      await project.migrate(url, 'downgrade', '-1');
    });

    t.test('A connection lost before the first statement leaves nothing unfinished', async (t) => {
      proxy.decide = new NetworkFault('START TRANSACTION', 'lost').decide;
      await t.rejects(project.migrate(through, 'upgrade', NAME), {
        message: /^Statement 1 of 3 in 0001_half\.sql was not begun: .*"npm run manage -- db current"/,
      });
      await t.resolves(project.migrate(url, 'upgrade', NAME), 'the next upgrade succeeds');
    });
  });

  test('A migration gives up when another connection locks its table', async (t) => {
    const { project, url } = await prepareFailingMigration(
      t,
      makeDatabase,
      'ALTER TABLE users ADD COLUMN extra int',
    );
    const reader = await mysql.createConnection(url);
    t.teardown(() => reader.destroy());
    await reader.query('START TRANSACTION');
    await reader.query('SELECT * FROM users');
    const started = Date.now();
    await t.rejects(project.migrate(url, 'upgrade', NAME), {
      message:
        /^Statement 2 of 3 in 0001_half\.sql failed: a lock that another connection holds .*PROCESSLIST.* continue with "npm run manage -- db upgrade --unfinished redo".*The statement: ALTER TABLE users/,
    });
    t.ok(Date.now() - started < 14_000, 'the migration waits less than 14 seconds for the lock');
    await reader.query('COMMIT');
    await t.resolves(
      project.migrate(url, 'upgrade', NAME, { unfinished: 'redo' }),
      'the migration continues after the lock is released',
    );
  });
}
