/**
 * A change in only one dialect, such as the length of MySQL's keys, also gets an empty migration in the other dialect, so
 * that both have the same list. The empty migration must work like any other.
 */
import { test } from 'tap';
import { fillTables, query, rowsOf, schemaOf } from '../../support/database-content.ts';
import { engines } from '../../support/engines.ts';
import { migrateWithDrizzleKit, ProjectCopy } from '../../support/migrations.ts';

const NAME = '0001_longer';

test('A change in one dialect gets an empty migration in the other', async (t) => {
  const project = new ProjectCopy(t);
  project.edit('db/schema/column-types.ts', 'DIGEST_LENGTH = 43', 'DIGEST_LENGTH = 64');
  await project.revise('longer');
  t.match(project.text('mysql', `${NAME}.sql`), 'ALTER TABLE `sessions` MODIFY COLUMN `key` char(64)');
  t.match(project.text('sqlite', `${NAME}.sql`), /^-- Nothing changes here\.$/m);
  t.strictSame(await project.dbOutput('sqlite:data/none.db', 'check'), ['The migrations are sound.']);

  for (const { name, makeDatabase } of engines) {
    t.test(`The migration can be applied and reverted, on ${name}`, async (t) => {
      const url = await makeDatabase(t);
      await project.migrate(url, 'upgrade', '0000_first');
      await fillTables(url);
      const before = [await schemaOf(url), await rowsOf(url)];
      await project.migrate(url, 'upgrade', NAME);
      t.strictSame(await rowsOf(url), before[1]);
      await project.migrate(url, 'downgrade', '-1');
      t.strictSame([await schemaOf(url), await rowsOf(url)], before);
      await migrateWithDrizzleKit(project, url);
      t.match(
        await query(url, 'SELECT COUNT(*) AS applied FROM __drizzle_migrations'),
        [{ applied: 2 }],
        'drizzle-kit applies the migration, too',
      );
    });
  }
});
