/**
 * A downgrade restores a dropped column without its values. For a unique or referencing column no default value is
 * possible, so the generated down file must be completed by hand, and the command must refuse it before it is.
 */
import { test } from 'tap';
import { fillTables, query, rowsOf, schemaOf } from '../../support/database-content.ts';
import { engines } from '../../support/engines.ts';
import { ProjectCopy } from '../../support/migrations.ts';

const NAME = '0001_dropped';
const DOWN = `${NAME}.down.sql`;
const BREAK = '--> statement-breakpoint\n';

test('A down file that must be completed by hand is refused until it is', async (t) => {
  const project = new ProjectCopy(t);
  const groups = 'db/schema/groups.ts';
  const sessions = 'db/schema/sessions.ts';
  project.edit(groups, 'name: t.string(GROUP_LENGTHS.name).notNull(),', '');
  project.edit(groups, "(groups) => [t.uniqueIndex('groups_name').on(groups.name)],", '() => [],');
  project.edit(
    sessions,
    `userId: t
        .ref()
        .notNull()
        .references(() => users.id, { onDelete: 'cascade' }),`,
    '',
  );
  project.edit(sessions, "t.index('sessions_user').on(sessions.userId),", '');
  project.edit(sessions, 'users: UsersTable', '_users: UsersTable');
  const output = await project.dbOutput('sqlite::none:', 'revision', 'dropped');

  t.test('The file and the output of "revision" name the columns without a value', async (t) => {
    for (const dialect of ['sqlite', 'mysql'] as const) {
      const [line] = project.text(dialect, DOWN).split('\n');
      t.match(
        line,
        /^-- needs a hand: nothing can be put into column groups\.name \(unique\), column sessions\.user_id \(refers to users\)\. Give/,
      );
      for (const column of ['groups.name', 'sessions.user_id']) {
        t.ok(
          output.some((each) => each.includes(`${dialect}/${DOWN} needs a hand`) && each.includes(column)),
          output.join('\n'),
        );
      }
      t.notMatch(project.text(dialect, `${NAME}.sql`), 'needs a hand');
    }
  });

  const completions = {
    groups: 'UPDATE `groups` SET `name` = `id`;',
    sessions: 'UPDATE `sessions` SET `user_id` = (SELECT min(id) FROM users);',
  };
  const generated = { SQLite: project.text('sqlite', DOWN), MySQL: project.text('mysql', DOWN) };
  for (const { name, makeDatabase } of engines) {
    t.test(`The downgrade runs only after the file is completed, on ${name}`, async (t) => {
      const dialect = name === 'SQLite' ? 'sqlite' : 'mysql';
      const url = await makeDatabase(t);
      await project.migrate(url, 'upgrade', '0000_first');
      await fillTables(url);
      const schema = await schemaOf(url);
      await project.migrate(url, 'upgrade', NAME);
      const before = { schema: await schemaOf(url), rows: await rowsOf(url) };

      const refused = await project.runDb(url, 'downgrade', '-1', '--yes');
      t.match(refused, {
        code: 1,
        stdout: '',
        stderr: /0001_dropped\.down\.sql can't be run as it is.*--accept/,
      });
      t.strictSame({ schema: await schemaOf(url), rows: await rowsOf(url) }, before);

      let text = generated[name].replace(/^-- needs a hand:.*\n/, '');
      for (const [table, statement] of Object.entries(completions)) {
        const added = new RegExp(`ALTER TABLE \`${table}\` ADD [^;]*;`);
        t.match(text, added);
        text = text.replace(added, (found) => `${found}${BREAK}${statement}`);
      }
      project.write(dialect, DOWN, text);
      await project.migrate(url, 'downgrade', '-1');
      t.strictSame(await schemaOf(url), schema);
      t.match(
        await query(url, 'SELECT count(*) AS n FROM sessions WHERE user_id IN (SELECT id FROM users)'),
        [{ n: 3 }],
      );
    });
  }

  t.test('"db check --accept" accepts the completed files of both dialects', async (t) => {
    t.match(await project.runDb('sqlite:data/none.db', 'check', '--accept'), { code: 0 });
  });
});
