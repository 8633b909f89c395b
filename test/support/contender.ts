/**
 * A process that writes beside others: it raises the version of each of the given groups so many times, each time all
 * of them in one list, and tells how often that took effect. Its arguments: the file, how many times, the groups' ids.
 */
import { once } from 'node:events';
import { loadSettings } from '../../config/load.ts';
import { openEngine } from '../../db/database.ts';
import { sql } from '../../db/drizzle.ts';
import { equals } from '../../db/schema/column-types.ts';

const [path = '', times = '0', ...ids] = process.argv.slice(2);
const engine = await openEngine(
  loadSettings({ root: import.meta.dirname, environment: { DATABASE_URL: `sqlite:${path}` } }),
);
const { groups } = engine.tables;
const raise = engine.write(
  engine.build
    .update(groups)
    .set({ version: sql`${groups.version} + 1` })
    .where(equals(groups.id, 'id')),
  1,
);
process.stdout.write('ready\n');
await once(process.stdin, 'data');
let done = 0;
for (let time = 0; time < Number(times); time++) {
  const missed = await engine.atomically(ids.map((id) => raise({ id })));
  if (missed === undefined) done++;
}
await engine.close();
process.stdout.write(`done: ${done}\n`, () => process.exit());
