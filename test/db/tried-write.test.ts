/** Each second a write is tried, which must fail where requests can't write, and leave nothing. */
import { onEachEngine } from '../support/engines.ts';
import { openServing } from '../support/files.ts';

onEachEngine('A tried write leaves nothing behind', async (t, { makeDatabase }) => {
  const { engine, db } = await openServing(t, await makeDatabase(t));
  for (let times = 0; times < 3; times++) await engine.tryWrite();
  t.strictSame(await engine.query('SELECT * FROM attempts'), []);
  t.ok(await db.schemaIsCurrent());
});
