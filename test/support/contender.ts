/**
 * A process that competes with others for the same rows. It increments the versions of some groups, all of them in one
 * transaction, and prints how many transactions took effect. Arguments: the file, the number of transactions, the group ids.
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
const increment = engine.write(
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
  const missed = await engine.atomically(ids.map((id) => increment({ id })));
  if (missed === undefined) done++;
}
await engine.close();
process.stdout.write(`done: ${done}\n`, () => process.exit());
