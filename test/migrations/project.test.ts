/**
 * The project's own migrations, on databases with data in every table: whoever upgrades must lose nothing, and whoever
 * has to go back to an earlier version of the code must come out where that version left the database.
 */
import { loadSettings } from '../../config/load.ts';
import { openEngine } from '../../db/database.ts';
import { readMigrations } from '../../db/migrate/migrations.ts';
import { BASE, downgrade, upgrade } from '../../db/migrate/migrator.ts';
import { onEachEngine } from '../support/engines.ts';
import { ask, fill, rowsOf, schemaOf, Walk } from '../support/migrations.ts';

onEachEngine("the project's migrations", async (t, { makeDatabase }) => {
  const url = await makeDatabase(t);
  const engine = await openEngine(
    loadSettings({ root: import.meta.dirname, environment: { DATABASE_URL: url } }),
  );
  t.teardown(() => engine.close());
  const names = readMigrations(engine.dialect).map(({ name }) => name);
  const levels = [BASE, ...names];
  const newest = names.at(-1) ?? BASE;

  t.test('lead from each to the next and back, and keep the rows that they do not touch', async (t) => {
    const walk = new Walk(t, url, (direction, target) =>
      direction === 'upgrade' ? upgrade(engine, target) : downgrade(engine, target, { acceptLoss: true }),
    );
    for (const name of names) await walk.to('upgrade', name);
    await fill(url);
    for (const level of levels.toReversed().slice(1)) await walk.to('downgrade', level);
    for (const name of names) await walk.to('upgrade', name);
  });

  t.test('leave no table without a primary key, which some servers insist on', async (t) => {
    if (engine.dialect === 'sqlite') return;
    const without = await ask(
      url,
      `SELECT TABLE_NAME AS name FROM information_schema.TABLES t WHERE TABLE_SCHEMA = DATABASE() AND NOT EXISTS
         (SELECT 1 FROM information_schema.STATISTICS s WHERE s.TABLE_SCHEMA = t.TABLE_SCHEMA
            AND s.TABLE_NAME = t.TABLE_NAME AND s.INDEX_NAME = 'PRIMARY')`,
    );
    t.strictSame(without, []);
  });

  t.test('lead from the newest to each earlier one and to the newest again', async (t) => {
    const schema = await schemaOf(url);
    for (const level of levels.slice(0, -1)) {
      await downgrade(engine, BASE, { acceptLoss: true });
      t.same(await rowsOf(url), {}, 'nothing is left at the beginning');
      await upgrade(engine);
      await fill(url);
      for (const [table, rows] of Object.entries(await rowsOf(url)))
        t.not(rows.length, 0, `${table} has rows`);
      await downgrade(engine, level, { acceptLoss: true });
      await upgrade(engine, newest);
      t.strictSame(await schemaOf(url), schema, `by way of ${level}`);
    }
  });
});
