/** `manage db check` runs before each release: what it lets pass goes wrong on somebody's database. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { engines } from '../support/engines.ts';
import { ask, Scratch } from '../support/migrations.ts';
import { manage } from '../support/processes.ts';

const NOWHERE = 'sqlite:data/none.db';

test('db check', async (t) => {
  t.test('passes on the project', async (t) => {
    t.strictSame(await manage(['db', 'check'], { environment: { DATABASE_URL: NOWHERE } }), {
      code: 0,
      stdout: 'The migrations are sound.\n',
      stderr: '',
    });
  });

  t.test('names whatever is wrong with the files, and nothing else', async (t) => {
    const scratch = new Scratch(t);
    scratch.add('0001_one', ['CREATE TABLE one (id int)'], ['DROP TABLE one']);
    scratch.add('0002_two', ['CREATE TABLE two (id int)'], ['DROP TABLE two']);
    const sqlite = join(scratch.folder, 'db/migrations/sqlite');
    // As a merge of two branches leaves it.
    const journal: { entries: { when: number }[] } = JSON.parse(scratch.text('sqlite', 'meta/_journal.json'));
    const [first, second, third] = journal.entries;
    if (!first || !second || !third) throw new Error('The journal has too few entries.');
    third.when = second.when;
    scratch.write('sqlite', 'meta/_journal.json', JSON.stringify(journal));
    rmSync(join(sqlite, '0001_one.down.sql'));
    scratch.write('sqlite', '0003_forgotten.sql', 'SELECT 1');
    const mysqlJournal: { entries: { tag: string }[] } = JSON.parse(
      scratch.text('mysql', 'meta/_journal.json'),
    );
    const [, one] = mysqlJournal.entries;
    if (!one) throw new Error('The journal has too few entries.');
    one.tag = '0001_uno';
    for (const ending of ['sql', 'down.sql']) {
      scratch.write('mysql', `0001_uno.${ending}`, scratch.text('mysql', `0001_one.${ending}`));
      rmSync(join(scratch.folder, `db/migrations/mysql/0001_one.${ending}`));
    }
    mysqlJournal.entries.pop();
    for (const ending of ['sql', 'down.sql'])
      rmSync(join(scratch.folder, `db/migrations/mysql/0002_two.${ending}`));
    scratch.write('mysql', 'meta/_journal.json', JSON.stringify(mysqlJournal));
    scratch.edit('db/schema/users.ts', ' name: t.string(USER_LENGTHS.name)', ' name: t.string(201)');

    const { code, stdout, stderr } = await scratch.db(NOWHERE, 'check');
    const unlike =
      'the tables in the code differ from the newest migration. Make one: npm run manage -- db revision NAME';
    const gone = (dialect: string, file: string) =>
      `${dialect}: ${file}, which meta/_hashes.json lists, is not there.`;
    const unlisted = (file: string) =>
      `mysql: ${file} is not in meta/_hashes.json. Note it with "npm run manage -- db check --accept".`;
    t.strictSame(stdout.trim().split('\n'), [
      'sqlite: there is no 0001_one.down.sql that takes 0001_one back.',
      'sqlite: 0002_two is not newer than the one before it; make it anew on top of that one.',
      'sqlite: 0003_forgotten.sql is not in the journal.',
      gone('sqlite', '0001_one.down.sql'),
      `sqlite: ${unlike}`,
      unlisted('0001_uno.sql'),
      unlisted('0001_uno.down.sql'),
      ...['0001_one', '0002_two'].flatMap((name) => [
        gone('mysql', `${name}.sql`),
        gone('mysql', `${name}.down.sql`),
      ]),
      `mysql: ${unlike}`,
      'Migration 1 is 0001_one for sqlite and 0001_uno for mysql.',
      'Migration 2 is 0002_two for sqlite and missing for mysql.',
    ]);
    t.match({ code, stderr }, { code: 1, stderr: /^manage: The migrations have 14 faults\.$/m });

    t.test('such as a file that the journal names and nobody has', async (t) => {
      rmSync(join(sqlite, '0001_one.sql'));
      t.match(await scratch.db(NOWHERE, 'check'), { code: 1, stderr: /0001_one\.sql/ });
    });
  });

  t.test(
    'finds an edited file where there is no database, and lets the newest be accepted only',
    async (t) => {
      const scratch = new Scratch(t);
      scratch.add('0001_one', ['CREATE TABLE one (id int)'], ['DROP TABLE one']);
      t.match(await scratch.db(NOWHERE, 'check'), { code: 0 });
      const files = ['0000_first.down.sql', '0001_one.sql', '0001_one.down.sql'];
      for (const file of files) scratch.write('mysql', file, `${scratch.text('mysql', file)} -- edited`);
      const edited = (file: string, more: RegExp) =>
        new RegExp(`^mysql: ${file} was edited since it was made\\. ${more.source}`, 'm');
      const first = edited('0000_first.down.sql', /Restore it/);
      const newest = files.slice(1).map((file) => edited(file, /If no database has it yet.*--accept/));

      const { code, stdout } = await scratch.db(NOWHERE, 'check');
      t.equal(code, 1);
      for (const validationError of [first, ...newest]) t.match(stdout, validationError);
      t.equal(stdout.trim().split('\n').length, 3);

      const accepted = await scratch.db(NOWHERE, 'check', '--accept');
      t.match(accepted, { code: 1, stdout: first }, 'what is older is not accepted');
      t.equal(accepted.stdout.trim().split('\n').length, 1);
      scratch.write(
        'mysql',
        files[0] ?? '',
        scratch.text('mysql', files[0] ?? '').replace(/ -- edited$/, ''),
      );
      t.match(await scratch.db(NOWHERE, 'check'), { code: 0 });
    },
  );

  for (const { name, makeDatabase } of engines) {
    t.test(`names whatever is wrong with the database, on ${name}`, async (t) => {
      const scratch = new Scratch(t);
      scratch.add('0001_one', ['CREATE TABLE one (id int)'], ['DROP TABLE one']);
      const url = await makeDatabase(t);
      await scratch.move(url, 'upgrade', '0001_one');
      for (const dialect of ['sqlite', 'mysql'] as const)
        scratch.write(dialect, '0001_one.sql', 'CREATE TABLE uno (id int)');
      await ask(url, "INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('x', 99999999999999)");
      const { code, stdout } = await scratch.db(url, 'check');
      t.equal(code, 1);
      const accepted = await scratch.db(url, 'check', '--accept');
      t.match(stdout, /^mysql: 0001_one\.sql was edited since it was made/m);
      t.equal(accepted.code, 1, 'nor is it accepted where a database has it');
      t.strictSame(accepted.stdout.trim().split('\n'), [
        '0001_one.sql was edited after it had been applied to the database.',
        'The database has 1 migrations that the code does not know.',
      ]);
    });
  }
});
