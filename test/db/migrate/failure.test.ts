/**
 * Tests a migration that fails halfway. SQLite rolls it back. MySQL can't, so the service must not start on the partial
 * schema, and the operator must learn what failed and how to continue.
 */
import { test } from 'tap';
import { query, rowsOf, schemaOf } from '../../support/database-content.ts';
import { engines } from '../../support/engines.ts';
import { prepareFailingMigration } from '../../support/migrations.ts';
import { runServer } from '../../support/processes.ts';

const NAME = '0001_half';

for (const { name, makeDatabase } of engines) {
  if (name === 'SQLite') {
    test('A failed migration is rolled back, on SQLite', async (t) => {
      const { project, url } = await prepareFailingMigration(
        t,
        makeDatabase,
        'INSERT INTO middle VALUES (1)',
      );
      const before = { schema: await schemaOf(url), rows: await rowsOf(url) };

      t.test('A failed migration changes nothing and names the failed statement', async (t) => {
        const { code, stdout, stderr } = await project.runDb(url, 'upgrade');
        t.strictSame({ code, stdout }, { code: 1, stdout: '' });
        t.match(
          stderr,
          /^manage: Statement 2 of 3 in 0001_half\.sql failed: no such table: middle\. Nothing was changed\./,
        );
        t.strictSame({ schema: await schemaOf(url), rows: await rowsOf(url) }, before);
      });

      t.test('A failed migration also rolls back the migrations of the same upgrade', async (t) => {
        const url = await makeDatabase(t);
        t.match(await project.runDb(url, 'upgrade'), { code: 1, stdout: '', stderr: /Nothing was changed/ });
        t.strictSame(await schemaOf(url), []);
      });

      t.test('The service does not start when a migration fails', async (t) => {
        const { code, stderr } = await runServer(
          { DATABASE_URL: url, AUTO_MIGRATE: 'true' },
          [],
          project.folder,
        );
        t.equal(code, 1);
        t.match(stderr, 'Statement 2 of 3 in 0001_half.sql failed');
      });

      t.test('The migration is applied after the cause is corrected', async (t) => {
        await query(url, 'CREATE TABLE middle (id int)');
        await project.migrate(url, 'upgrade', NAME);
        await project.migrate(url, 'downgrade', '-1');
        t.strictSame(await rowsOf(url), { ...before.rows, middle: [] });
      });
    });

    continue;
  }

  test('A failed migration must be finished by the operator, on MySQL', async (t) => {
    const { project, url } = await prepareFailingMigration(t, makeDatabase, 'INSERT INTO middle VALUES (1)');
    const rows = await rowsOf(url);
    const instruction = new RegExp(
      `Migration ${NAME} \\(up\\) stopped at statement 2 of 3 in 0001_half\\.sql, which failed\\. Fix .*"npm run manage -- db upgrade --unfinished redo"`,
    );

    t.test('A failed migration names the failed statement and stops there', async (t) => {
      const { code, stdout, stderr } = await project.runDb(url, 'upgrade');
      t.strictSame({ code, stdout }, { code: 1, stdout: '' });
      t.match(stderr, /^manage: Statement 2 of 3 in 0001_half\.sql failed: .*middle.*--unfinished redo/);
      t.strictSame(await rowsOf(url), { ...rows, half: [] });
    });

    t.test('Commands and the service refuse to run and print the command that continues', async (t) => {
      t.match(await project.runDb(url, 'upgrade'), { code: 1, stderr: instruction });
      await t.rejects(project.migrate(url, 'downgrade', 'base', { unfinished: 'redo' }), {
        message: instruction,
      });
      t.match(await project.dbOutput(url, 'history'), [
        /0000_first {2}applied$/,
        /0001_half {2}pending, unfinished$/,
      ]);
      t.match(await project.runDb(url, 'check'), {
        code: 1,
        stdout: instruction,
      });
      t.match((await project.dbOutput(url, 'current')).join(' '), instruction);
      for (const AUTO_MIGRATE of ['true', 'false']) {
        const { code, stderr } = await runServer({ DATABASE_URL: url, AUTO_MIGRATE }, [], project.folder);
        t.equal(code, 1);
        t.match(stderr, instruction);
      }
      t.strictSame(await rowsOf(url), { ...rows, half: [] });
    });

    t.test('"upgrade --unfinished redo" continues with the failed statement', async (t) => {
      await query(url, 'CREATE TABLE middle (id int)');
      t.strictSame(await project.dbOutput(url, 'upgrade', '--unfinished', 'redo'), [`applied ${NAME}`]);
      t.strictSame(await rowsOf(url), { ...rows, half: [], last: [], middle: [{ id: 1 }] });
    });

    t.test('"downgrade --unfinished redo" continues a failed downgrade', async (t) => {
      await query(url, 'RENAME TABLE middle TO aside');
      await t.rejects(project.migrate(url, 'downgrade', '-1'), {
        message: /Statement 2 of 3 in 0001_half\.down\.sql failed/,
      });
      await t.rejects(project.migrate(url, 'upgrade', NAME, { unfinished: 'redo' }), {
        message: /"npm run manage -- db downgrade -1 --unfinished redo"/,
      });
      const down = project.text('mysql', `${NAME}.down.sql`);
      project.write('mysql', `${NAME}.down.sql`, `-- loses data: table half\n${down}`);
      await t.rejects(project.migrate(url, 'downgrade', '-1'), {
        message: /"npm run manage -- db downgrade -1 --unfinished redo --yes"/,
      });
      project.write('mysql', `${NAME}.down.sql`, down);
      await query(url, 'RENAME TABLE aside TO middle');
      t.strictSame(await project.dbOutput(url, 'downgrade', '-1', '--unfinished', 'redo'), [
        `took back ${NAME}`,
      ]);
      t.strictSame(await rowsOf(url), { ...rows, middle: [] });
    });
  });
}
