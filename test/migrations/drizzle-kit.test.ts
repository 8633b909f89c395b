/**
 * The migration files and the table of applied migrations are those of drizzle-kit. Users may therefore mix
 * `drizzle-kit migrate` with Rollcall's commands, and both must agree on the state of the database.
 */

import { query, rowsOf, schemaOf } from '../support/database-content.ts';
import { onEachEngine } from '../support/engines.ts';
import { copyWithThreeMigrations, MIGRATION_NAMES, migrateWithDrizzleKit } from '../support/migrations.ts';

const APPLIED = 'SELECT created_at, hash FROM __drizzle_migrations ORDER BY created_at';

onEachEngine('drizzle-kit and the commands work on the same database', async (t, { makeDatabase }) => {
  const project = copyWithThreeMigrations(t);
  const newest = MIGRATION_NAMES.at(-1) ?? '';
  const url = await makeDatabase(t);

  t.test('The commands understand a database made by drizzle-kit', async (t) => {
    await migrateWithDrizzleKit(project, url);
    t.strictSame(await project.dbOutput(url, 'current'), [newest]);
    await t.resolves(project.migrate(url, 'upgrade', newest), 'no migration is pending');
  });

  t.test('drizzle-kit applies migrations that the commands reverted', async (t) => {
    const schema = await schemaOf(url);
    t.strictSame(await project.dbOutput(url, 'downgrade', '0001'), [
      'took back 0003_three',
      'took back 0002_two',
    ]);
    t.notOk('t0002_two' in (await rowsOf(url)));
    await migrateWithDrizzleKit(project, url);
    t.strictSame(await schemaOf(url), schema);
    t.strictSame(await project.dbOutput(url, 'check'), ['The migrations are sound.']);
    await project.migrate(url, 'downgrade', 'base');
    t.strictSame(await schemaOf(url), []);
  });

  t.test('drizzle-kit changes nothing when the commands applied all migrations', async (t) => {
    await project.migrate(url, 'upgrade', newest);
    const before = [await schemaOf(url), await rowsOf(url), await query(url, APPLIED)];
    await migrateWithDrizzleKit(project, url);
    t.strictSame([await schemaOf(url), await rowsOf(url), await query(url, APPLIED)], before);
  });
});
