/**
 * The project's own migrations, one by one: from the newest revision back to each earlier one, with rows in every table, and under a
 * running service. `npm test` does so with two of them, since this takes longer with each migration.
 */
import { loadSettings } from '../../config/load.ts';
import { openEngine } from '../../db/database.ts';
import { readMigrations } from '../../db/migrate/migrations.ts';
import { BASE } from '../../db/migrate/targets.ts';
import { onEachEngine } from '../support/engines.ts';
import { downUpAgain } from '../support/migrations.ts';
import { serveAt } from '../support/taken-back.ts';

onEachEngine('The newest revision can be taken back to each earlier one', async (t, testEngine) => {
  const url = await testEngine.makeDatabase(t);
  const names = readMigrations(testEngine.name === 'SQLite' ? 'sqlite' : 'mysql').map(({ name }) => name);
  const earlier = [BASE, ...names.slice(0, -1)];
  for (const revision of earlier)
    await t.test(`At ${revision} no request gets 500`, (t) => serveAt(t, testEngine, url, revision));

  const settings = loadSettings({ root: import.meta.dirname, environment: { DATABASE_URL: url } });
  const engine = await openEngine(settings);
  t.teardown(() => engine.close());
  for (const revision of earlier)
    await t.test(`From ${revision} it is upgraded again`, (t) => downUpAgain(t, engine, url, revision));
});
