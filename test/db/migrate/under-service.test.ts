/**
 * A schema that is taken back under a running service. Requests that need what is gone get 503 with one log line each, reads and
 * writes alike, and the service recovers when the schema is back. In test/long/ it is taken back to each migration.
 */
import { readMigrations } from '../../../db/migrate/migrations.ts';
import { BASE } from '../../../db/migrate/targets.ts';
import { onEachEngine } from '../../support/engines.ts';
import { serveAt } from '../../support/taken-back.ts';

onEachEngine('A schema taken back under a running service gives 503', async (t, engine) => {
  const url = await engine.makeDatabase(t);
  const names = readMigrations(engine.name === 'SQLite' ? 'sqlite' : 'mysql').map(({ name }) => name);
  for (const revision of [BASE, names.at(-2) ?? BASE])
    await t.test(`At ${revision} no request gets 500`, (t) => serveAt(t, engine, url, revision));
});
