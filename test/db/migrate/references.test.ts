/**
 * Foreign keys are off while migrations run, so a migration may leave orphaned rows. SQLite then rolls back. MySQL can't,
 * so the fault must be recorded until it is corrected, or the service would run on orphaned rows.
 */
import { test } from 'tap';
import { fillTables, query, rowsOf, schemaOf } from '../../support/database-content.ts';
import { engines } from '../../support/engines.ts';
import { ProjectCopy } from '../../support/migrations.ts';
import { runServer } from '../../support/processes.ts';

const NAME = '0001_orphans';
const PAIRS = [
  'CREATE TABLE pairs (a int NOT NULL, b int NOT NULL, PRIMARY KEY (a, b))',
  'CREATE TABLE uses (id int PRIMARY KEY, a int, b int, FOREIGN KEY (a, b) REFERENCES pairs (a, b))',
  'INSERT INTO pairs VALUES (1, 1), (2, 2)',
];

for (const { name, makeDatabase } of engines) {
  test(`A migration that leaves orphaned rows fails, on ${name}`, async (t) => {
    const project = new ProjectCopy(t);
    project.addMigration(NAME, ["DELETE FROM users WHERE id LIKE '1%'"], ['SELECT 1']);
    project.addMigration('0002_next', ['CREATE TABLE next (id int)'], ['DROP TABLE next']);
    const url = await makeDatabase(t);
    await project.migrate(url, 'upgrade', '0000_first');
    await fillTables(url);
    const before = { schema: await schemaOf(url), rows: await rowsOf(url) };
    if (name === 'MySQL') await query(url, 'CREATE TABLE __users AS SELECT * FROM users');
    const orphans = /1 rows of table memberships refer .*to rows of .*users that are not there\./;

    const { code, stdout, stderr } = await project.runDb(url, 'upgrade', NAME);
    t.equal(code, 1);
    t.match(stderr, orphans);

    if (name === 'SQLite') {
      t.equal(stdout, '');
      t.match(stderr, /Nothing was changed\./);
      t.strictSame({ schema: await schemaOf(url), rows: await rowsOf(url) }, before);
      return;
    }

    const unchecked = /Migration 0001_orphans \(up\) has been run, but .*"npm run manage -- db upgrade"/;
    t.test('Orphaned rows are reported by every command and keep the service from starting', async (t) => {
      t.match(stderr, /"npm run manage -- db upgrade"; until then the service does not start/);
      t.match((await project.dbOutput(url, 'current')).join(' '), unchecked);
      t.match((await project.dbOutput(url, 'history'))[1], /0001_orphans {2}applied, references unchecked$/);
      t.match(await project.runDb(url, 'check'), { code: 1, stdout: unchecked });
      t.match(await project.runDb(url, 'upgrade'), { code: 1, stdout: '', stderr: orphans });
      t.match(await schemaOf(url), before.schema, 'the next migration is not started');
      const start = (AUTO_MIGRATE: string) =>
        runServer({ DATABASE_URL: url, AUTO_MIGRATE }, [], project.folder);
      t.match(await start('false'), { code: 1, stderr: unchecked });
      t.match(await start('true'), { code: 1, stderr: orphans });
    });

    t.test('"downgrade -0" checks the references again', async (t) => {
      await t.rejects(project.migrate(url, 'downgrade', '-1'), {
        message: /"npm run manage -- db downgrade -0"/,
      });
      await t.rejects(project.migrate(url, 'downgrade', '-0'), { message: orphans });
    });

    t.test('The fault is cleared once the rows are corrected', async (t) => {
      await query(url, 'INSERT INTO users SELECT * FROM __users WHERE id NOT IN (SELECT id FROM users)');
      await project.migrate(url, 'downgrade', '-0');
      t.strictSame(await query(url, 'SELECT * FROM __rollcall_unfinished'), []);
      project.write('mysql', `${NAME}.sql`, 'SELECT 1');
      await project.migrate(url, 'upgrade', '0002_next');
      t.strictSame(await project.dbOutput(url, 'current'), ['0002_next']);
    });
  });

  test(`Orphaned rows are found by foreign keys of several columns, on ${name}`, async (t) => {
    const project = new ProjectCopy(t);
    project.addMigration('0001_pairs', PAIRS, ['DROP TABLE uses', 'DROP TABLE pairs']);
    // Both values of row 1 exist in the parent table, but not in one row.
    project.addMigration(
      '0002_broken',
      ['INSERT INTO uses VALUES (1, 1, 2), (2, 2, 2), (3, 7, NULL)'],
      ['DELETE FROM uses'],
    );
    const url = await makeDatabase(t);
    await project.migrate(url, 'upgrade', '0001_pairs');
    await t.rejects(project.migrate(url, 'upgrade', '0002_broken'), {
      message: /[: ]1 rows of table uses refer .*to rows of .*pairs that are not there\./,
    });
  });
}
