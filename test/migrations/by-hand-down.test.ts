/**
 * A column that was dropped comes back without its values. Where no one value will do, because it is unique or refers
 * to another table, the way down can't be made by us: it must say so, and not fail on somebody's data halfway.
 */
import { test } from 'tap';
import { engines } from '../support/engines.ts';
import { ask, fill, rowsOf, Scratch, schemaOf } from '../support/migrations.ts';

const NAME = '0001_dropped';
const DOWN = `${NAME}.down.sql`;
const BREAK = '--> statement-breakpoint\n';

test('a way down that needs a hand', async (t) => {
  const scratch = new Scratch(t);
  const groups = 'db/schema/groups.ts';
  const sessions = 'db/schema/sessions.ts';
  scratch.edit(groups, 'name: t.string(GROUP_LENGTHS.name).notNull(),', '');
  scratch.edit(groups, "(groups) => [t.uniqueIndex('groups_name').on(groups.name)],", '() => [],');
  scratch.edit(
    sessions,
    `userId: t
        .ref()
        .notNull()
        .references(() => users.id, { onDelete: 'cascade' }),`,
    '',
  );
  scratch.edit(sessions, "t.index('sessions_user').on(sessions.userId),", '');
  scratch.edit(sessions, 'users: UsersTable', '_users: UsersTable');
  const said = await scratch.did('sqlite::none:', 'revision', 'dropped');

  t.test('says so at its top, and at the terminal', async (t) => {
    for (const dialect of ['sqlite', 'mysql'] as const) {
      const [line] = scratch.text(dialect, DOWN).split('\n');
      t.match(
        line,
        /^-- needs a hand: nothing can be put into column groups\.name \(unique\), column sessions\.user_id \(refers to users\)\. Give/,
      );
      for (const column of ['groups.name', 'sessions.user_id']) {
        t.ok(
          said.some((each) => each.includes(`${dialect}/${DOWN} needs a hand`) && each.includes(column)),
          said.join('\n'),
        );
      }
      t.notMatch(scratch.text(dialect, `${NAME}.sql`), 'needs a hand');
    }
  });

  const given = {
    groups: 'UPDATE `groups` SET `name` = `id`;',
    sessions: 'UPDATE `sessions` SET `user_id` = (SELECT min(id) FROM users);',
  };
  const generated = { SQLite: scratch.text('sqlite', DOWN), MySQL: scratch.text('mysql', DOWN) };
  for (const { name, makeDatabase } of engines) {
    t.test(`is not begun on ${name}, until it has been given one`, async (t) => {
      const dialect = name === 'SQLite' ? 'sqlite' : 'mysql';
      const url = await makeDatabase(t);
      await scratch.move(url, 'upgrade', '0000_first');
      await fill(url);
      const schema = await schemaOf(url);
      await scratch.move(url, 'upgrade', NAME);
      const before = { schema: await schemaOf(url), rows: await rowsOf(url) };

      const refused = await scratch.db(url, 'downgrade', '-1', '--yes');
      t.match(refused, {
        code: 1,
        stdout: '',
        stderr: /0001_dropped\.down\.sql can't be run as it is.*--accept/,
      });
      t.strictSame({ schema: await schemaOf(url), rows: await rowsOf(url) }, before);

      let text = generated[name].replace(/^-- needs a hand:.*\n/, '');
      for (const [table, statement] of Object.entries(given)) {
        const added = new RegExp(`ALTER TABLE \`${table}\` ADD [^;]*;`);
        t.match(text, added);
        text = text.replace(added, (found) => `${found}${BREAK}${statement}`);
      }
      scratch.write(dialect, DOWN, text);
      await scratch.move(url, 'downgrade', '-1');
      t.strictSame(await schemaOf(url), schema);
      t.match(await ask(url, 'SELECT count(*) AS n FROM sessions WHERE user_id IN (SELECT id FROM users)'), [
        { n: 3 },
      ]);
    });
  }

  t.test('is accepted when it has been written on both', async (t) => {
    t.match(await scratch.db('sqlite:data/none.db', 'check', '--accept'), { code: 0 });
  });
});
