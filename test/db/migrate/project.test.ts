/**
 * Runs the project's own migrations on databases with data in every table. An upgrade must lose no data, and a downgrade
 * must restore the schema of the earlier version.
 */
import { loadSettings } from '../../../config/load.ts';
import { openEngine } from '../../../db/database.ts';
import { readMigrations } from '../../../db/migrate/migrations.ts';
import { downgrade, upgrade } from '../../../db/migrate/migrator.ts';
import { BASE } from '../../../db/migrate/targets.ts';
import { fillTables, query } from '../../support/database-content.ts';
import { onEachEngine } from '../../support/engines.ts';
import { downUpAgain, MigrationWalk } from '../../support/migrations.ts';

onEachEngine("The project's migrations work in both directions", async (t, { makeDatabase }) => {
  const url = await makeDatabase(t);
  const engine = await openEngine(
    loadSettings({ root: import.meta.dirname, environment: { DATABASE_URL: url } }),
    { create: true },
  );
  t.teardown(() => engine.close());
  const names = readMigrations(engine.dialect).map(({ name }) => name);
  const revisions = [BASE, ...names];

  t.test('Each migration can be applied and reverted, and keeps the rows of other columns', async (t) => {
    const move = (direction: 'upgrade' | 'downgrade', target: string) =>
      direction === 'upgrade' ? upgrade(engine, target) : downgrade(engine, target, { acceptLoss: true });
    const walk = new MigrationWalk(t, url, move, /_key$/);
    for (const name of names) await walk.to('upgrade', name);
    await fillTables(url);
    for (const revision of revisions.toReversed().slice(1)) await walk.to('downgrade', revision);
    for (const name of names) await walk.to('upgrade', name);
  });

  t.test('Every table has a primary key, as some servers require', async (t) => {
    if (engine.dialect === 'sqlite') return;
    const without = await query(
      url,
      `SELECT TABLE_NAME AS name FROM information_schema.TABLES t WHERE TABLE_SCHEMA = DATABASE() AND NOT EXISTS
         (SELECT 1 FROM information_schema.STATISTICS s WHERE s.TABLE_SCHEMA = t.TABLE_SCHEMA
            AND s.TABLE_NAME = t.TABLE_NAME AND s.INDEX_NAME = 'PRIMARY')`,
    );
    t.strictSame(without, []);
  });

  t.test('The newest revision can be downgraded by one and to nothing, and upgraded again', async (t) => {
    for (const revision of [BASE, names.at(-2) ?? BASE]) await downUpAgain(t, engine, url, revision);
  });
});
