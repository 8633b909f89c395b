/**
 * Tests the whole path of a schema change: edit the tables, make a migration with `manage db revision`, and migrate
 * databases with data up and down. drizzle-kit makes the up file and Rollcall the down file, so both directions are tested.
 */
import { test } from 'tap';
import { commonRows, fillTables, query, rowsOf, schemaOf } from '../../support/database-content.ts';
import { engines } from '../../support/engines.ts';
import { MigrationWalk, ProjectCopy } from '../../support/migrations.ts';

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

test('Schema changes get migrations that work in both directions', async (t) => {
  const project = new ProjectCopy(t);
  const users = 'db/schema/users.ts';
  const groups = 'db/schema/groups.ts';
  const sessions = 'db/schema/sessions.ts';
  const dialects = ['sqlite', 'mysql'] as const;

  project.edit(
    users,
    "name: t.string(USER_LENGTHS.name).notNull().default('')",
    "name: t.string(USER_LENGTHS.name).notNull().default('Ännie')",
  );
  project.edit(
    groups,
    'title: t.',
    "colour: t.string(20).notNull().default('it\\'s red'), size: t.integer().notNull().default(7), title: t.",
  );
  project.edit(groups, 'role: t.string(16).notNull()', 'note: t.string(40), role: t.string(16).notNull()');
  project.edit(sessions, '.on(sessions.userId)', '.on(sessions.userId, sessions.expiresAt)');
  project.edit(users, 'export type', `${BADGES}\nexport type`);
  project.edit('db/schema/core.ts', '{ defineUsers }', '{ defineBadges, defineUsers }');
  project.edit('db/schema/core.ts', '    groups,\n', '    badges: defineBadges(t, users),\n    groups,\n');
  await project.revise('additions');

  project.edit(groups, "t.uniqueIndex('groups_name')", "t.index('groups_name')");
  project.edit(groups, 'role: t.string(16)', 'role: t.string(80)');
  project.edit(groups, "title: t.string(GROUP_LENGTHS.title).notNull().default(''),", '');
  project.edit(users, 'lastSignInAt: t.instant(),', '');
  project.edit(sessions, 'userAgent: t.string(ORIGIN_LENGTHS.userAgent).notNull(),', '');
  project.edit(sessions, 'lastSeenAt: t.instant().notNull(),', '');
  project.edit('db/schema/core.ts', '    badges: defineBadges(t, users),\n', '');
  await project.revise('removals');

  t.test('Each file that loses data lists what it loses', async (t) => {
    for (const dialect of dialects) {
      const losses = (file: string) => /^-- loses data: (.*)$/m.exec(project.text(dialect, file))?.[1];
      t.equal(losses('0001_additions.sql'), undefined);
      t.equal(
        losses('0001_additions.down.sql'),
        'table badges, column groups.colour, column groups.size, column memberships.note',
      );
      t.equal(
        losses('0002_removals.sql'),
        'table badges, column groups.title, column sessions.last_seen_at, column sessions.user_agent, column users.last_sign_in_at',
      );
      t.equal(losses('0002_removals.down.sql'), undefined);
    }
  });

  for (const { name, makeDatabase } of engines) {
    t.test(`Databases with data migrate up, down and up again, on ${name}`, async (t) => {
      const url = await makeDatabase(t);
      await project.migrate(url, 'upgrade', FIRST);
      await fillTables(url);
      const filled = await rowsOf(url);
      const walk = new MigrationWalk(t, url, (direction, target) => project.migrate(url, direction, target));

      await walk.to('upgrade', ADDITIONS);
      const after = await rowsOf(url);
      t.strictSame(commonRows(after, filled), filled, 'rebuilding a referenced table keeps all rows');
      for (const row of after.groups ?? [])
        t.match(row, { colour: "it's red", size: 7 }, 'existing rows have the defaults of new columns');
      t.strictSame(after.badges, []);
      await query(
        url,
        'INSERT INTO badges (id, created_at, updated_at, user_id) SELECT id, 1, 2, id FROM users LIMIT 1',
      );
      t.match((await rowsOf(url)).badges, [{ version: 1, label: 'none' }]);

      const refused = await project.runDb(url, 'upgrade');
      t.match(refused, { code: 1, stdout: '', stderr: /Data is lost by 0002_removals \(up\).*--yes/ });
      const tables = (await schemaOf(url)).map(({ name }) => name);
      t.ok(tables.includes('badges'), 'nothing was changed');
      await walk.to('upgrade', REMOVALS);

      await walk.to('downgrade', ADDITIONS);
      const back = await rowsOf(url);
      for (const row of back.sessions ?? []) t.match(row, { user_agent: '', last_seen_at: 0 });
      for (const row of back.groups ?? []) t.match(row, { title: '' });
      for (const row of back.users ?? []) t.match(row, { last_sign_in_at: null });
      t.strictSame(back.badges, [], 'the dropped table is restored without rows');
      await walk.to('downgrade', FIRST);
      for (const target of [ADDITIONS, REMOVALS]) await walk.to('upgrade', target);
      t.strictSame(commonRows(await rowsOf(url), filled).memberships, filled.memberships);
    });

    t.test(`A downgrade that fails on existing rows names the statement, on ${name}`, async (t) => {
      const url = await makeDatabase(t);
      await project.migrate(url, 'upgrade', FIRST);
      await fillTables(url);
      await project.migrate(url, 'upgrade', REMOVALS);
      await query(url, `UPDATE \`groups\` SET name = 'same'`);
      const failed = await project.runDb(url, 'downgrade', '-1', '--yes');
      t.match(failed, {
        code: 1,
        stdout: '',
        stderr: /Statement \d+ of \d+ in 0002_removals\.down\.sql failed.*groups/,
      });
      await query(url, 'UPDATE `groups` SET name = id');
      const redo = name === 'MySQL' ? { unfinished: 'redo' as const } : {};
      await t.resolves(
        project.migrate(url, 'downgrade', '-1', redo),
        'the downgrade succeeds once the rows are corrected',
      );
    });
  }
});
