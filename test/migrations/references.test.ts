/**
 * Foreign keys are off while migrations run. If rows refer to nothing afterwards, SQLite takes all of it back; MySQL
 * can't, so this must be remembered until it is mended: the service would otherwise run on such rows unnoticed.
 */
import { test } from 'tap';
import { engines } from '../support/engines.ts';
import { ask, fill, rowsOf, Scratch, schemaOf } from '../support/migrations.ts';
import { runServer } from '../support/processes.ts';

const NAME = '0001_orphans';
const PAIRS = [
  'CREATE TABLE pairs (a int NOT NULL, b int NOT NULL, PRIMARY KEY (a, b))',
  'CREATE TABLE uses (id int PRIMARY KEY, a int, b int, FOREIGN KEY (a, b) REFERENCES pairs (a, b))',
  'INSERT INTO pairs VALUES (1, 1), (2, 2)',
];

for (const { name, makeDatabase } of engines) {
  test(`rows that refer to nothing after a migration, on ${name}`, async (t) => {
    const scratch = new Scratch(t);
    scratch.add(NAME, ["DELETE FROM users WHERE id LIKE '1%'"], ['SELECT 1']);
    scratch.add('0002_next', ['CREATE TABLE next (id int)'], ['DROP TABLE next']);
    const url = await makeDatabase(t);
    await scratch.move(url, 'upgrade', '0000_first');
    await fill(url);
    const before = { schema: await schemaOf(url), rows: await rowsOf(url) };
    if (name === 'MySQL') await ask(url, 'CREATE TABLE __users AS SELECT * FROM users');
    const orphans = /1 rows of table memberships refer .*to rows of .*users that are not there\./;

    const { code, stdout, stderr } = await scratch.db(url, 'upgrade', NAME);
    t.equal(code, 1);
    t.match(stderr, orphans);

    if (name === 'SQLite') {
      t.equal(stdout, '');
      t.match(stderr, /Nothing was changed\./);
      t.strictSame({ schema: await schemaOf(url), rows: await rowsOf(url) }, before);
      return;
    }

    const unchecked = /Migration 0001_orphans \(up\) has been run, but .*"npm run manage -- db upgrade"/;
    t.test('are told of as long as they are there', async (t) => {
      t.match(stderr, /"npm run manage -- db upgrade"; until then the service does not start/);
      t.match((await scratch.did(url, 'current')).join(' '), unchecked);
      t.match((await scratch.did(url, 'history'))[1], /0001_orphans {2}applied, references unchecked$/);
      t.match(await scratch.db(url, 'check'), { code: 1, stdout: unchecked });
      t.match(await scratch.db(url, 'upgrade'), { code: 1, stdout: '', stderr: orphans });
      t.match(await schemaOf(url), before.schema, 'and the next migration is not begun');
      const start = (AUTO_MIGRATE: string) =>
        runServer({ DATABASE_URL: url, AUTO_MIGRATE, WORKERS: '1' }, [], scratch.folder);
      t.match(await start('false'), { code: 1, stderr: unchecked });
      t.match(await start('true'), { code: 1, stderr: orphans });
    });

    t.test('can be gone back from, which looks again', async (t) => {
      await t.rejects(scratch.move(url, 'downgrade', '-1'), {
        message: /"npm run manage -- db downgrade -0"/,
      });
      await t.rejects(scratch.move(url, 'downgrade', '-0'), { message: orphans });
    });

    t.test('are forgotten once they are mended', async (t) => {
      await ask(url, 'INSERT INTO users SELECT * FROM __users WHERE id NOT IN (SELECT id FROM users)');
      await scratch.move(url, 'downgrade', '-0');
      t.strictSame(await ask(url, 'SELECT * FROM __rollcall_unfinished'), []);
      scratch.write('mysql', `${NAME}.sql`, 'SELECT 1');
      await scratch.move(url, 'upgrade', '0002_next');
      t.strictSame(await scratch.did(url, 'current'), ['0002_next']);
    });
  });

  test(`keys of several columns, on ${name}`, async (t) => {
    const scratch = new Scratch(t);
    scratch.add('0001_pairs', PAIRS, ['DROP TABLE uses', 'DROP TABLE pairs']);
    // Each part of it is there, but never both in one row.
    scratch.add(
      '0002_broken',
      ['INSERT INTO uses VALUES (1, 1, 2), (2, 2, 2), (3, 7, NULL)'],
      ['DELETE FROM uses'],
    );
    const url = await makeDatabase(t);
    await scratch.move(url, 'upgrade', '0001_pairs');
    await t.rejects(scratch.move(url, 'upgrade', '0002_broken'), {
      message: /[: ]1 rows of table uses refer .*to rows of .*pairs that are not there\./,
    });
  });
}
