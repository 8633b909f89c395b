/**
 * What service developers change in a schema, as they do it: they edit the tables, have `manage db revision` make the
 * migration, and move databases with data in them up and down. The way down is made by us and the way up by
 * drizzle-kit, so each kind of change is tried in both directions on every engine.
 */
import { test } from 'tap';
import { engines } from '../support/engines.ts';
import { ask, fill, rowsOf, Scratch, schemaOf, shared, Walk } from '../support/migrations.ts';

const FIRST = '0000_first';
const ADDITIONS = '0001_additions';
const REMOVALS = '0002_removals';

const BADGES = `
export const defineBadges = (t: ColumnTypes, users: UsersTable) =>
  t.table(
    'badges',
    {
      ...baseColumns(t),
      userId: t.ref().notNull().references(() => users.id, { onDelete: 'cascade' }),
      label: t.string(30).notNull().default('none'),
    },
    (badges) => [t.index('badges_user').on(badges.userId, badges.label), t.uniqueIndex('badges_label').on(badges.label)],
  );
`;

test('changes of the schema', async (t) => {
  const scratch = new Scratch(t);
  const users = 'db/schema/users.ts';
  const groups = 'db/schema/groups.ts';
  const sessions = 'db/schema/sessions.ts';
  const dialects = ['sqlite', 'mysql'] as const;

  scratch.edit(
    users,
    "name: t.string(USER_LENGTHS.name).notNull().default('')",
    "name: t.string(USER_LENGTHS.name).notNull().default('Ännie')",
  );
  scratch.edit(
    groups,
    'title: t.',
    "colour: t.string(20).notNull().default('it\\'s red'), size: t.integer().notNull().default(7), title: t.",
  );
  scratch.edit(groups, 'role: t.string(16).notNull()', 'note: t.string(40), role: t.string(16).notNull()');
  scratch.edit(sessions, '.on(sessions.userId)', '.on(sessions.userId, sessions.expiresAt)');
  scratch.edit(users, 'export type', `${BADGES}\nexport type`);
  for (const dialect of dialects) {
    scratch.edit(`db/schema/index.${dialect}.ts`, '{ defineUsers }', '{ defineBadges, defineUsers }');
    scratch.edit(
      `db/schema/index.${dialect}.ts`,
      'export const groups',
      'export const badges = defineBadges(t, users);\nexport const groups',
    );
  }
  await scratch.revise('additions');

  scratch.edit(groups, "t.uniqueIndex('groups_name')", "t.index('groups_name')");
  scratch.edit(groups, 'role: t.string(16)', 'role: t.string(80)');
  scratch.edit(groups, "title: t.string(GROUP_LENGTHS.title).notNull().default(''),", '');
  scratch.edit(users, 'lastSignInAt: t.instant(),', '');
  scratch.edit(sessions, 'userAgent: t.string(ORIGIN_LENGTHS.userAgent).notNull(),', '');
  scratch.edit(sessions, 'lastSeenAt: t.instant().notNull(),', '');
  for (const dialect of dialects) {
    scratch.edit(`db/schema/index.${dialect}.ts`, 'export const badges = defineBadges(t, users);\n', '');
  }
  await scratch.revise('removals');

  t.test('that lose data say so in the file of that direction', async (t) => {
    for (const dialect of dialects) {
      const says = (file: string) => /^-- loses data: (.*)$/m.exec(scratch.text(dialect, file))?.[1];
      t.equal(says('0001_additions.sql'), undefined);
      t.equal(
        says('0001_additions.down.sql'),
        'table badges, column groups.colour, column groups.size, column memberships.note',
      );
      t.equal(
        says('0002_removals.sql'),
        'table badges, column groups.title, column sessions.last_seen_at, column sessions.user_agent, column users.last_sign_in_at',
      );
      t.equal(says('0002_removals.down.sql'), undefined);
    }
  });

  for (const { name, makeDatabase } of engines) {
    t.test(`lead up, down and up again, on ${name}`, async (t) => {
      const url = await makeDatabase(t);
      await scratch.move(url, 'upgrade', FIRST);
      await fill(url);
      const filled = await rowsOf(url);
      const walk = new Walk(t, url, (direction, target) => scratch.move(url, direction, target));

      await walk.to('upgrade', ADDITIONS);
      const after = await rowsOf(url);
      t.strictSame(
        shared(after, filled),
        filled,
        'the table to which others refer was rebuilt, and all rows are there',
      );
      for (const row of after.groups ?? [])
        t.match(row, { colour: "it's red", size: 7 }, 'rows that were there have the defaults');
      t.strictSame(after.badges, []);
      await ask(
        url,
        'INSERT INTO badges (id, created_at, updated_at, user_id) SELECT id, 1, 2, id FROM users LIMIT 1',
      );
      t.match((await rowsOf(url)).badges, [{ version: 1, label: 'none' }]);

      const refused = await scratch.db(url, 'upgrade');
      t.match(refused, { code: 1, stdout: '', stderr: /Data is lost by 0002_removals \(up\).*--yes/ });
      const tables = (await schemaOf(url)).map(({ name }) => name);
      t.ok(tables.includes('badges'), 'and nothing was done');
      await walk.to('upgrade', REMOVALS);

      await walk.to('downgrade', ADDITIONS);
      const back = await rowsOf(url);
      for (const row of back.sessions ?? []) t.match(row, { user_agent: '', last_seen_at: 0 });
      for (const row of back.groups ?? []) t.match(row, { title: '' });
      for (const row of back.users ?? []) t.match(row, { last_sign_in_at: null });
      t.strictSame(back.badges, [], 'the table is back, without its rows');
      await walk.to('downgrade', FIRST);
      for (const target of [ADDITIONS, REMOVALS]) await walk.to('upgrade', target);
      t.strictSame(shared(await rowsOf(url), filled).memberships, filled.memberships);
    });

    t.test(`that can't be taken back with these rows say so, on ${name}`, async (t) => {
      const url = await makeDatabase(t);
      await scratch.move(url, 'upgrade', FIRST);
      await fill(url);
      await scratch.move(url, 'upgrade', REMOVALS);
      await ask(url, `UPDATE \`groups\` SET name = 'same'`);
      const stuck = await scratch.db(url, 'downgrade', '-1', '--yes');
      t.match(stuck, {
        code: 1,
        stdout: '',
        stderr: /Statement \d+ of \d+ in 0002_removals\.down\.sql failed.*groups/,
      });
      await ask(url, 'UPDATE `groups` SET name = id');
      const redo = name === 'MySQL' ? { unfinished: 'redo' as const } : {};
      await t.resolves(scratch.move(url, 'downgrade', '-1', redo), 'once the rows are mended, it goes on');
    });
  }
});
