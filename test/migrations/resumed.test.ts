/**
 * Going on with a migration that stopped halfway on MySQL. What has been run is only known by the file: if that says
 * something else by now, the database would come to be what no file describes.
 */
import mysql from 'mysql2/promise';
import { test } from 'tap';
import { Mishap, TcpProxy } from '../mysql/proxy.ts';
import { engines } from '../support/engines.ts';
import { ask, prepareHalf, rowsOf } from '../support/migrations.ts';
import { until } from '../support/processes.ts';

const NAME = '0001_half';
const FILE = `${NAME}.sql`;
const INSERT = 'INSERT INTO middle VALUES (1)';

for (const { makeDatabase } of engines.filter(({ name }) => name === 'MySQL')) {
  test('a file that is edited between two attempts', async (t) => {
    const { scratch, url } = await prepareHalf(t, makeDatabase, INSERT);
    const text = scratch.text('mysql', FILE);
    await t.rejects(scratch.move(url, 'upgrade', NAME), { message: /Statement 2 of 3 .* failed/ });
    const [noted] = await ask(url, 'SELECT * FROM __rollcall_unfinished');
    const rows = await rowsOf(url);
    const refused = async (edited: string, unfinished: 'redo' | 'skip', message: RegExp) => {
      scratch.write('mysql', FILE, edited);
      await t.rejects(scratch.move(url, 'upgrade', NAME, { unfinished }), {
        name: 'MigrationError',
        message,
      });
      t.strictSame(await rowsOf(url), rows, 'nothing was done');
      t.strictSame(await ask(url, 'SELECT * FROM __rollcall_unfinished'), [noted], 'nor forgotten');
    };
    const first = /0001_half\.sql was edited .* its first statement is not any more what was run .*Restore/;

    t.test('is refused when what has been run reads differently', async () => {
      await refused(text.replace('half (id int)', 'half (id bigint)'), 'redo', first);
      await refused(`SELECT 1--> statement-breakpoint\n${text}`, 'redo', first);
    });

    t.test('is refused when it ends before the statement at which it stopped', async () => {
      await refused('CREATE TABLE half (id int)', 'redo', first);
    });

    t.test('is refused when a statement is to be skipped that reads differently', async () => {
      const both = /its first 2 statements are not any more what was run/;
      await refused(text.replace('(1)', '(2)'), 'skip', both);
    });

    t.test('is gone on with when only what has failed was mended', async (t) => {
      scratch.write('mysql', FILE, text.replace(INSERT, 'CREATE TABLE middle (id int)'));
      t.strictSame(await scratch.did(url, 'upgrade', '--unfinished', 'redo'), [`applied ${NAME}`]);
      t.strictSame(await rowsOf(url), { ...rows, middle: [], last: [] });
    });
  });

  test('a connection that is lost in the middle of a statement', async (t) => {
    const { scratch, url } = await prepareHalf(t, makeDatabase, INSERT);
    await ask(url, 'CREATE TABLE middle (id int)');
    const { port } = new URL(url);
    const proxy = new TcpProxy(Number(port));
    await proxy.start(t);
    const through = url.replace(`:${port}/`, `:${proxy.port}/`);
    const lost = {
      name: 'MigrationError',
      message:
        /^Statement 2 of 3 in 0001_half\.sql was not answered: .*--unfinished skip", else with .*--unfinished redo".* The statement: INSERT INTO middle/,
    };

    t.test('is told with the statement, and with what to do', async (t) => {
      proxy.fate = new Mishap('INSERT INTO middle', 'unanswered').fate;
      await t.rejects(scratch.move(through, 'upgrade', NAME), lost);
      t.match(
        (await scratch.did(url, 'current')).join(' '),
        /stopped at its statement 2, which was not answered/,
      );
      t.strictSame(await ask(url, 'SELECT * FROM middle'), [{ id: 1 }]);
      await scratch.move(url, 'upgrade', NAME, { unfinished: 'skip' });
      await scratch.move(url, 'downgrade', '-1');
    });

    t.test('is told so, too, when the server ended it', async (t) => {
      const holder = await mysql.createConnection(url);
      t.teardown(() => holder.destroy());
      await holder.query('LOCK TABLES middle WRITE');
      const moved = t.rejects(scratch.move(url, 'upgrade', NAME), lost);
      const waiting = await until('the statement waits', async () => {
        const [row] = await ask(
          url,
          `SELECT id FROM information_schema.PROCESSLIST WHERE db = DATABASE() AND info LIKE '${INSERT}'`,
        );
        return row;
      });
      await ask(url, `KILL ${waiting.id ?? waiting.ID}`);
      await moved;
      await holder.query('UNLOCK TABLES');
      await scratch.move(url, 'upgrade', NAME, { unfinished: 'redo' });
      await scratch.move(url, 'downgrade', '-1');
    });

    t.test('is told as a statement that was not begun, when it was lost just before', async (t) => {
      proxy.fate = new Mishap('START TRANSACTION', 'lost').fate;
      await t.rejects(scratch.move(through, 'upgrade', NAME), {
        message: /^Statement 1 of 3 in 0001_half\.sql was not begun: .*"npm run manage -- db current"/,
      });
      await t.resolves(scratch.move(url, 'upgrade', NAME), 'so that nothing is unfinished');
    });
  });

  test('a table that others use', async (t) => {
    const { scratch, url } = await prepareHalf(t, makeDatabase, 'ALTER TABLE users ADD COLUMN extra int');
    const reader = await mysql.createConnection(url);
    t.teardown(() => reader.destroy());
    await reader.query('START TRANSACTION');
    await reader.query('SELECT * FROM users');
    const begun = Date.now();
    await t.rejects(scratch.move(url, 'upgrade', NAME), {
      message:
        /^Statement 2 of 3 in 0001_half\.sql failed: a lock that another connection holds .*PROCESSLIST.* go on with "npm run manage -- db upgrade --unfinished redo".*The statement: ALTER TABLE users/,
    });
    t.ok(Date.now() - begun < 14_000, 'is not waited for longer than the statements of a service wait');
    await reader.query('COMMIT');
    await t.resolves(
      scratch.move(url, 'upgrade', NAME, { unfinished: 'redo' }),
      'and it can be gone on with',
    );
  });
}
