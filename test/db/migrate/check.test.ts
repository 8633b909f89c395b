/** `manage db check` runs before each release and must find every fault of migrations before a database does. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { query } from '../../support/database-content.ts';
import { engines } from '../../support/engines.ts';
import { ProjectCopy } from '../../support/migrations.ts';
import { manage } from '../../support/processes.ts';

const NOWHERE = 'sqlite:data/none.db';

test('"manage db check" finds faults of migrations', async (t) => {
  t.test('The migrations of the project are sound', async (t) => {
    t.strictSame(await manage(['db', 'check'], { environment: { DATABASE_URL: NOWHERE } }), {
      code: 0,
      stdout: 'The migrations are sound.\n',
      stderr: '',
    });
  });

  t.test(
    'A table that nothing uses any more is named, and is no fault unless one engine has dropped it',
    async (t) => {
      const project = new ProjectCopy(t);
      project.addMigration('0001_left', ['CREATE TABLE left_over (id int)'], ['DROP TABLE left_over']);
      const leave = (dialect: 'sqlite' | 'mysql') => {
        const file = 'meta/0001_snapshot.json';
        const snapshot = JSON.parse(project.text(dialect, file));
        snapshot.tables.left_over = { ...snapshot.tables.attempts, name: 'left_over' };
        project.write(dialect, file, JSON.stringify(snapshot));
        return project.runDb(NOWHERE, 'check');
      };
      const note =
        'Nothing uses the table left_over any more. The next migration drops it with its rows: npm run manage -- db revision NAME';
      t.strictSame((await leave('sqlite')).stdout.split('\n').slice(0, 2), [
        note,
        'The table left_over is dropped for one engine only.',
      ]);
      t.match(await leave('mysql'), { code: 0, stdout: `${note}\nThe migrations are sound.\n` });
    },
  );

  t.test('"db check" lists exactly the faults of the files', async (t) => {
    const project = new ProjectCopy(t);
    project.addMigration('0001_one', ['CREATE TABLE one (id int)'], ['DROP TABLE one']);
    project.addMigration('0002_two', ['CREATE TABLE two (id int)'], ['DROP TABLE two']);
    const sqlite = join(project.folder, 'db/migrations/sqlite');
    // Two migrations with the same time, as a merge of two branches leaves them.
    const journal: { entries: { when: number }[] } = JSON.parse(project.text('sqlite', 'meta/_journal.json'));
    const [first, second, third] = journal.entries;
    if (!first || !second || !third) throw new Error('The journal has too few entries.');
    third.when = second.when;
    project.write('sqlite', 'meta/_journal.json', JSON.stringify(journal));
    rmSync(join(sqlite, '0001_one.down.sql'));
    project.write('sqlite', '0003_forgotten.sql', 'SELECT 1');
    const mysqlJournal: { entries: { tag: string }[] } = JSON.parse(
      project.text('mysql', 'meta/_journal.json'),
    );
    const [, one] = mysqlJournal.entries;
    if (!one) throw new Error('The journal has too few entries.');
    one.tag = '0001_uno';
    for (const ending of ['sql', 'down.sql']) {
      project.write('mysql', `0001_uno.${ending}`, project.text('mysql', `0001_one.${ending}`));
      rmSync(join(project.folder, `db/migrations/mysql/0001_one.${ending}`));
    }
    mysqlJournal.entries.pop();
    for (const ending of ['sql', 'down.sql'])
      rmSync(join(project.folder, `db/migrations/mysql/0002_two.${ending}`));
    project.write('mysql', 'meta/_journal.json', JSON.stringify(mysqlJournal));
    project.edit('db/schema/users.ts', ' name: t.string(USER_LENGTHS.name)', ' name: t.string(201)');

    const { code, stdout, stderr } = await project.runDb(NOWHERE, 'check');
    const outdated =
      'the tables in the code differ from the newest migration. Make one: npm run manage -- db revision NAME';
    const missing = (dialect: string, file: string) =>
      `${dialect}: ${file}, which meta/_hashes.json lists, is not there.`;
    const unlisted = (file: string) =>
      `mysql: ${file} is not in meta/_hashes.json. Add it with "npm run manage -- db check --accept".`;
    t.strictSame(stdout.trim().split('\n'), [
      'sqlite: there is no 0001_one.down.sql that takes 0001_one back.',
      'sqlite: 0002_two is not newer than the one before it; make it anew on top of that one.',
      'sqlite: 0003_forgotten.sql is not in the journal.',
      missing('sqlite', '0001_one.down.sql'),
      `sqlite: ${outdated}`,
      unlisted('0001_uno.sql'),
      unlisted('0001_uno.down.sql'),
      ...['0001_one', '0002_two'].flatMap((name) => [
        missing('mysql', `${name}.sql`),
        missing('mysql', `${name}.down.sql`),
      ]),
      `mysql: ${outdated}`,
      'Migration 1 is 0001_one for sqlite and 0001_uno for mysql.',
      'Migration 2 is 0002_two for sqlite and missing for mysql.',
    ]);
    t.match({ code, stderr }, { code: 1, stderr: /^manage: The migrations have 14 faults\.$/m });

    t.test('"db check" names a file that is in the journal and missing on disk', async (t) => {
      rmSync(join(sqlite, '0001_one.sql'));
      t.match(await project.runDb(NOWHERE, 'check'), { code: 1, stderr: /0001_one\.sql/ });
    });
  });

  t.test('"db check --accept" accepts an edited file of the newest migration only', async (t) => {
    const project = new ProjectCopy(t);
    project.addMigration('0001_one', ['CREATE TABLE one (id int)'], ['DROP TABLE one']);
    t.match(await project.runDb(NOWHERE, 'check'), { code: 0 });
    const files = ['0000_first.down.sql', '0001_one.sql', '0001_one.down.sql'];
    for (const file of files) project.write('mysql', file, `${project.text('mysql', file)} -- edited`);
    const edited = (file: string, more: RegExp) =>
      new RegExp(`^mysql: ${file} was edited since it was made\\. ${more.source}`, 'm');
    const first = edited('0000_first.down.sql', /Restore it/);
    const newest = files.slice(1).map((file) => edited(file, /If no database has it yet.*--accept/));

    const { code, stdout } = await project.runDb(NOWHERE, 'check');
    t.equal(code, 1);
    for (const fault of [first, ...newest]) t.match(stdout, fault);
    t.equal(stdout.trim().split('\n').length, 3);

    const accepted = await project.runDb(NOWHERE, 'check', '--accept');
    t.match(accepted, { code: 1, stdout: first }, 'an older migration is not accepted');
    t.equal(accepted.stdout.trim().split('\n').length, 1);
    project.write('mysql', files[0] ?? '', project.text('mysql', files[0] ?? '').replace(/ -- edited$/, ''));
    t.match(await project.runDb(NOWHERE, 'check'), { code: 0 });
  });

  for (const { name, makeDatabase } of engines) {
    t.test(`"db check" lists the faults of a database, on ${name}`, async (t) => {
      const project = new ProjectCopy(t);
      project.addMigration('0001_one', ['CREATE TABLE one (id int)'], ['DROP TABLE one']);
      const url = await makeDatabase(t);
      await project.migrate(url, 'upgrade', '0001_one');
      for (const dialect of ['sqlite', 'mysql'] as const)
        project.write(dialect, '0001_one.sql', 'CREATE TABLE uno (id int)');
      await query(url, "INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('x', 99999999999999)");
      const { code, stdout } = await project.runDb(url, 'check');
      t.equal(code, 1);
      const accepted = await project.runDb(url, 'check', '--accept');
      t.match(stdout, /^mysql: 0001_one\.sql was edited since it was made/m);
      t.equal(accepted.code, 1, 'an applied migration is not accepted');
      t.strictSame(accepted.stdout.trim().split('\n'), [
        '0001_one.sql was edited after it had been applied to the database.',
        'The database has a migration that the code does not know.',
      ]);
    });

    t.test(`"db check" names the tables that are gone, on ${name}`, async (t) => {
      const url = await makeDatabase(t);
      const check = () => manage(['db', 'check'], { environment: { DATABASE_URL: url } });
      t.match(await manage(['db', 'upgrade'], { environment: { DATABASE_URL: url } }), { code: 0 });
      t.match(await check(), { code: 0 });
      await query(url, 'DROP TABLE guards');
      await query(url, 'ALTER TABLE codes RENAME TO secret_codes');
      const { code, stdout } = await check();
      t.equal(code, 1);
      t.match(stdout, /^The database has no table codes, .*\nThe database has no table guards, /m);
    });
  }
});
