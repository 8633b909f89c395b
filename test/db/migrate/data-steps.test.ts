/** A migration may have a data step: code that changes rows. It happens as a whole or not at all, and can be run again. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fillTables, query, rowsOf } from '../../support/database-content.ts';
import { onEachEngine } from '../../support/engines.ts';
import { ProjectCopy } from '../../support/migrations.ts';

const STEP = `
export async function findObstacles({ query, hasTable }, direction) {
  if (!(await hasTable('users'))) return [];
  const rows = await query('SELECT username FROM users WHERE name = ?', ['refused ' + direction]);
  return rows.map(({ username }) => username + ' is refused.');
}
async function rename({ query, run }, from, to) {
  for (const { id, name } of await query('SELECT id, name FROM users ORDER BY id')) {
    if (!name.startsWith(from)) continue;
    if (name.endsWith('fails')) throw new Error('no');
    if (name.endsWith('kills')) await run('KILL ' + (await query('SELECT CONNECTION_ID() AS id'))[0].id);
    await run('UPDATE users SET name = ? WHERE id = ?', [name.replace(from, to), id]);
  }
}
export const up = (connection) => rename(connection, "o'ne\\\\", 'two?');
export const down = (connection) => rename(connection, 'two?', "o'ne\\\\");
`;

onEachEngine(
  'A data step changes rows after the way up and before the way down',
  async (t, { name, makeDatabase }) => {
    const project = new ProjectCopy(t);
    project.addMigration('0001_step', ['CREATE TABLE made (id int)'], ['DROP TABLE made']);
    const folder = join(project.folder, 'db/migrations/data-steps');
    mkdirSync(folder);
    writeFileSync(join(folder, '0001_step.ts'), STEP);
    const url = await makeDatabase(t);
    await project.migrate(url, 'upgrade', '0000_first');
    await fillTables(url);
    const [first, second] = await query(url, 'SELECT id FROM users ORDER BY id');
    const setName = (row: typeof first, text: string) =>
      query(url, `UPDATE users SET name = '${text}' WHERE id = '${row?.id}'`);
    const escaped = name === 'MySQL' ? "o''ne\\\\" : "o''ne\\";
    const names = async () =>
      (await query(url, 'SELECT name FROM users ORDER BY id')).map((row) => String(row.name)).slice(0, 2);

    t.test('It is refused before anything changes if there are obstacles', async (t) => {
      await setName(first, 'refused up');
      const before = await rowsOf(url);
      await t.rejects(project.migrate(url, 'upgrade', '0001_step'), {
        message: /^0001_step \(up\) can't be run\. Nothing was changed\.\n.* is refused\.$/,
      });
      t.strictSame(await rowsOf(url), before);
    });

    t.test('A step that fails changes no row, and can be run again', async (t) => {
      await setName(first, `${escaped} a`);
      await setName(second, `${escaped} fails`);
      await t.rejects(project.migrate(url, 'upgrade', '0001_step'), {
        message: /^The data step of 0001_step \(up\) failed: no\. /,
      });
      t.strictSame(await names(), ["o'ne\\ a", "o'ne\\ fails"]);
      await setName(second, `${escaped} b`);
      await project.migrate(url, 'upgrade', '0001_step', name === 'MySQL' ? { unfinished: 'redo' } : {});
      t.strictSame(await names(), ['two? a', 'two? b']);
    });

    if (name === 'MySQL')
      t.test(
        'A step that was not answered is named as such, and can be run again but not skipped',
        async (t) => {
          await project.migrate(url, 'downgrade', '0000_first');
          await setName(second, `${escaped} kills`);
          await t.rejects(project.migrate(url, 'upgrade', '0001_step'), {
            message:
              /^The data step of 0001_step \(up\) was not answered: .* Continue with ".* --unfinished redo", whether/,
          });
          const { stderr } = await project.runDb(url, 'upgrade');
          t.match(
            stderr,
            /stopped at the data step of 0001_step \(up\), which was not answered\. Continue with ".* --unfinished redo"/,
          );
          t.notMatch(stderr, 'skip');
          await t.rejects(project.migrate(url, 'upgrade', '0001_step', { unfinished: 'skip' }), {
            message: /^There is no skipping the data step of 0001_step \(up\)\./,
          });
          await setName(second, `${escaped} b`);
          await project.migrate(url, 'upgrade', '0001_step', { unfinished: 'redo' });
          t.strictSame(await names(), ['two? a', 'two? b']);
        },
      );

    t.test('A statement of the way down has its number in the file', async (t) => {
      await query(url, 'DROP TABLE made');
      await t.rejects(project.migrate(url, 'downgrade', '0000_first'), {
        message: /^Statement 1 of 1 in 0001_step\.down\.sql failed: /,
      });
      await query(url, 'CREATE TABLE made (id int)');
      if (name === 'SQLite') return;
      t.match(
        (await project.dbOutput(url, 'current')).join(' '),
        /stopped at statement 1 of 1 in 0001_step\.down/,
      );
      await project.migrate(url, 'downgrade', '-1', { unfinished: 'redo' });
      await project.migrate(url, 'upgrade', '0001_step');
    });

    t.test('The way down takes it back', async (t) => {
      await setName(second, 'refused down');
      await t.rejects(project.migrate(url, 'downgrade', '0000_first'), { message: /\(down\) can't be run/ });
      await setName(second, 'two? b');
      await project.migrate(url, 'downgrade', '0000_first');
      t.strictSame(await names(), ["o'ne\\ a", "o'ne\\ b"]);
    });

    t.test('"db check" finds a step that was edited or belongs to no migration', async (t) => {
      t.match(await project.runDb('sqlite:data/none.db', 'check'), {
        code: 1,
        stdout: /sqlite: \.\.\/data-steps\/0001_step\.ts is not in meta\/_hashes\.json/,
      });
      await project.runDb('sqlite:data/none.db', 'check', '--accept');
      t.match(await project.runDb('sqlite:data/none.db', 'check'), { code: 0 });
      writeFileSync(join(folder, '0001_step.ts'), `${STEP}// edited`);
      writeFileSync(join(folder, '0009_none.ts'), STEP);
      t.match(await project.runDb('sqlite:data/none.db', 'check'), {
        code: 1,
        stdout:
          /0001_step\.ts was edited since it was made[\s\S]*data-steps\/0009_none\.ts belongs to no migration/,
      });
    });

    t.test('A step whose file is gone is not left out', async (t) => {
      rmSync(join(folder, '0001_step.ts'));
      const before = await rowsOf(url);
      await t.rejects(project.migrate(url, 'upgrade', '0001_step'), {
        message: /data-steps\/0001_step\.ts, which meta\/_hashes\.json lists, is not there\. Restore it\./,
      });
      t.strictSame(await rowsOf(url), before);
    });
  },
);
