/**
 * A migration that fails halfway. SQLite undoes it; MySQL can't, so the service must not run on what is left, and the
 * operator must be told what happened and how to go on.
 */
import { test } from 'tap';
import { engines } from '../support/engines.ts';
import { ask, prepareHalf, rowsOf, schemaOf } from '../support/migrations.ts';
import { runServer } from '../support/processes.ts';

const NAME = '0001_half';

for (const { name, makeDatabase } of engines) {
  if (name === 'SQLite') {
    test('on SQLite a migration that fails', async (t) => {
      const { scratch, url } = await prepareHalf(t, makeDatabase, 'INSERT INTO middle VALUES (1)');
      const before = { schema: await schemaOf(url), rows: await rowsOf(url) };

      t.test('leaves everything as it was, and says which statement it was', async (t) => {
        const { code, stdout, stderr } = await scratch.db(url, 'upgrade');
        t.strictSame({ code, stdout }, { code: 1, stdout: '' });
        t.match(
          stderr,
          /^manage: Statement 2 of 3 in 0001_half\.sql failed: no such table: middle\. Nothing was changed\./,
        );
        t.strictSame({ schema: await schemaOf(url), rows: await rowsOf(url) }, before);
      });

      t.test(
        'takes those with it that ran just before, and does not say that they are applied',
        async (t) => {
          const url = await makeDatabase(t);
          t.match(await scratch.db(url, 'upgrade'), { code: 1, stdout: '', stderr: /Nothing was changed/ });
          t.strictSame(await schemaOf(url), []);
        },
      );

      t.test('keeps the service from starting', async (t) => {
        const { code, stderr } = await runServer(
          { DATABASE_URL: url, AUTO_MIGRATE: 'true' },
          [],
          scratch.folder,
        );
        t.equal(code, 1);
        t.match(stderr, 'Statement 2 of 3 in 0001_half.sql failed');
      });

      t.test('is applied after the cause is mended', async (t) => {
        await ask(url, 'CREATE TABLE middle (id int)');
        await scratch.move(url, 'upgrade', NAME);
        await scratch.move(url, 'downgrade', '-1');
        t.strictSame(await rowsOf(url), { ...before.rows, middle: [] });
      });
    });

    continue;
  }

  test('on MySQL a migration that fails', async (t) => {
    const { scratch, url } = await prepareHalf(t, makeDatabase, 'INSERT INTO middle VALUES (1)');
    const rows = await rowsOf(url);
    const how = new RegExp(
      `Migration ${NAME} \\(up\\) stopped at its statement 2, which failed\\. Mend .*"npm run manage -- db upgrade --unfinished redo"`,
    );

    t.test('says which statement of which file it was, and what holds', async (t) => {
      const { code, stdout, stderr } = await scratch.db(url, 'upgrade');
      t.strictSame({ code, stdout }, { code: 1, stdout: '' });
      t.match(stderr, /^manage: Statement 2 of 3 in 0001_half\.sql failed: .*middle.*--unfinished redo/);
      t.strictSame(await rowsOf(url), { ...rows, half: [] });
    });

    t.test('keeps everything else from being done, and says the command', async (t) => {
      t.match(await scratch.db(url, 'upgrade'), { code: 1, stderr: how });
      await t.rejects(scratch.move(url, 'downgrade', 'base', { unfinished: 'redo' }), { message: how });
      t.match(await scratch.did(url, 'history'), [
        /0000_first {2}applied$/,
        /0001_half {2}pending, unfinished$/,
      ]);
      t.match(await scratch.db(url, 'check'), {
        code: 1,
        stdout: how,
      });
      t.match((await scratch.did(url, 'current')).join(' '), how);
      for (const AUTO_MIGRATE of ['true', 'false']) {
        const { code, stderr } = await runServer({ DATABASE_URL: url, AUTO_MIGRATE }, [], scratch.folder);
        t.equal(code, 1);
        t.match(stderr, how);
      }
      t.strictSame(await rowsOf(url), { ...rows, half: [] });
    });

    t.test('goes on from there after the cause is mended', async (t) => {
      await ask(url, 'CREATE TABLE middle (id int)');
      t.strictSame(await scratch.did(url, 'upgrade', '--unfinished', 'redo'), [`applied ${NAME}`]);
      t.strictSame(await rowsOf(url), { ...rows, half: [], last: [], middle: [{ id: 1 }] });
    });

    t.test('goes on in the other direction, too', async (t) => {
      await ask(url, 'RENAME TABLE middle TO aside');
      await t.rejects(scratch.move(url, 'downgrade', '-1'), {
        message: /Statement 2 of 3 in 0001_half\.down\.sql failed/,
      });
      await t.rejects(scratch.move(url, 'upgrade', NAME, { unfinished: 'redo' }), {
        message: /"npm run manage -- db downgrade -1 --unfinished redo"/,
      });
      const down = scratch.text('mysql', `${NAME}.down.sql`);
      scratch.write('mysql', `${NAME}.down.sql`, `-- loses data: table half\n${down}`);
      await t.rejects(scratch.move(url, 'downgrade', '-1'), {
        message: /"npm run manage -- db downgrade -1 --unfinished redo --yes"/,
      });
      scratch.write('mysql', `${NAME}.down.sql`, down);
      await ask(url, 'RENAME TABLE aside TO middle');
      t.strictSame(await scratch.did(url, 'downgrade', '-1', '--unfinished', 'redo'), [`took back ${NAME}`]);
      t.strictSame(await rowsOf(url), { ...rows, middle: [] });
    });
  });
}
