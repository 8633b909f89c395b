/**
 * A foreign key needs an index on either side. MySQL lets it go while migrations run, and afterwards no user could be deleted.
 * So such a migration must be found by `db check`, and refused before its first statement.
 */
import { test } from 'tap';
import { fillTables, query, rowsOf, schemaOf } from '../../support/database-content.ts';
import { engines } from '../../support/engines.ts';
import { ProjectCopy } from '../../support/migrations.ts';

const BADGES = `
export const defineBadges = (t: ColumnTypes, users: UsersTable) =>
  t.table('badges', {
    id: t.id(),
    holder: t.string(64).notNull().references(() => users.usernameKey, { onDelete: 'cascade' }),
  }, (badges) => [t.index('badges_holder').on(badges.holder)]);
`;

const NOWHERE = 'sqlite:data/none.db';

test('A migration may not take away an index that a foreign key needs', async (t) => {
  const project = new ProjectCopy(t);
  const [codes, users] = ['db/schema/codes.ts', 'db/schema/users.ts'];
  project.edit(users, 'export type', `${BADGES}\nexport type`);
  project.edit('db/schema/core.ts', '{ defineUsers }', '{ defineBadges, defineUsers }');
  project.edit('db/schema/core.ts', '    groups,\n', '    badges: defineBadges(t, users),\n    groups,\n');
  project.edit(codes, "t.index('codes_user').on(codes.userId),", '');
  await project.revise('badges_and_child');
  project.edit(users, "t.uniqueIndex('users_username_key')", "t.index('users_username_key')");
  await project.revise('parent');

  const lost = {
    child:
      'the foreign key codes_user_id_users_id_fk needs an index of codes that begins with user_id, and none is left.',
    parent:
      'the foreign key badges_holder_users_username_key_fk needs a unique index of users on username_key, and none is left.',
  };

  await t.test('"db check" names the foreign keys and what they need', async (t) => {
    const { code, stdout } = await project.runDb(NOWHERE, 'check');
    t.equal(code, 1);
    const remedy = 'Keep the index, or remove the foreign key with it.';
    t.strictSame(stdout.trim().split('\n'), [
      `sqlite: ${lost.parent} ${remedy}`,
      `mysql: ${lost.parent} ${remedy}`,
      `mysql: ${lost.child} ${remedy}`,
    ]);
  });

  for (const { name, makeDatabase } of engines) {
    await t.test(`"db upgrade" refuses before anything is changed, on ${name}`, async (t) => {
      const url = await makeDatabase(t);
      await project.migrate(url, 'upgrade', '0000');
      await fillTables(url);
      // SQLite needs no index where rows refer from.
      if (name === 'SQLite') await project.migrate(url, 'upgrade', '0001');
      const before = [await schemaOf(url), await rowsOf(url)];
      const refused = async (target: string, reason: string) => {
        const { code, stdout, stderr } = await project.runDb(url, 'upgrade', target);
        t.strictSame({ code, stdout }, { code: 1, stdout: '' });
        t.match(stderr, `manage: Nothing was changed: ${reason}`);
        t.strictSame([await schemaOf(url), await rowsOf(url)], before);
      };
      if (name === 'MySQL') await refused('0001', lost.child);
      await refused('0002', lost.parent);
    });
  }

  await t.test('A later migration that restores the index makes the migrations sound again', async (t) => {
    project.edit(users, "t.index('users_username_key')", "t.uniqueIndex('users_username_key')");
    project.edit(
      codes,
      "t.index('codes_issuer')",
      "t.index('codes_user').on(codes.userId, codes.key), t.index('codes_issuer')",
    );
    await project.revise('restored');
    t.strictSame(await project.dbOutput(NOWHERE, 'check'), ['The migrations are sound.']);
    for (const { name, makeDatabase } of engines) {
      const url = await makeDatabase(t);
      await project.migrate(url, 'upgrade', '0000');
      await fillTables(url);
      await t.resolves(project.migrate(url, 'upgrade', '0003'), name);
      await t.resolves(
        query(url, 'DELETE FROM users'),
        `rows that are referred to can be deleted on ${name}`,
      );
    }
  });
});

for (const { name, makeDatabase } of engines) {
  test(`An index that is taken away by hand is found after the migration, on ${name}`, async (t) => {
    const project = new ProjectCopy(t);
    const [child, parent] = [
      'CREATE TABLE parents (id int PRIMARY KEY, other int)',
      'CREATE UNIQUE INDEX parents_other ON parents (other)',
    ];
    const children =
      'CREATE TABLE children (id int PRIMARY KEY, parent int, FOREIGN KEY (parent) REFERENCES parents (other))';
    project.addMigration(
      '0001_parents',
      [child, parent, children],
      ['DROP TABLE children', 'DROP TABLE parents'],
    );
    const drop = name === 'MySQL' ? 'DROP INDEX parents_other ON parents' : 'DROP INDEX parents_other';
    project.addMigration('0002_by_hand', [drop], [parent]);
    const url = await makeDatabase(t);
    await project.migrate(url, 'upgrade', '0001');
    const reason =
      name === 'MySQL'
        ? /the foreign key \S+ of table children needs an index of parents on other\./
        : /foreign key mismatch - "children" referencing "parents": what is referred to needs a unique index\. Nothing was changed\./;
    await t.rejects(project.migrate(url, 'upgrade', '0002'), { message: reason });
    if (name === 'SQLite') {
      t.strictSame(await project.dbOutput(url, 'current'), ['0001_parents', 'pending: 0002_by_hand']);
      return;
    }
    t.match(await project.runDb(url, 'check'), { code: 1, stdout: reason });
    await query(url, 'CREATE INDEX again ON parents (other)');
    await project.migrate(url, 'upgrade', '0002');
    t.strictSame(await project.dbOutput(url, 'current'), ['0002_by_hand']);
    t.strictSame(await project.dbOutput(url, 'check'), ['The migrations are sound.']);
  });
}
