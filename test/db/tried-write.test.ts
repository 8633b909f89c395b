/** Each second a write is tried, which must fail where requests can't write, and leave nothing. */
import { query } from '../support/database-content.ts';
import { onEachEngine } from '../support/engines.ts';
import { openServing } from '../support/files.ts';

onEachEngine('A tried write leaves nothing behind', async (t, { makeDatabase }) => {
  const { engine, db } = await openServing(t, await makeDatabase(t));
  for (let times = 0; times < 3; times++) await engine.tryWrite();
  t.strictSame(await engine.query('SELECT * FROM attempts'), []);
  t.ok(await db.schemaIsCurrent());
});

onEachEngine('A tried write that is refused leaves no transaction open', async (t, { makeDatabase }) => {
  const url = await makeDatabase(t);
  const { engine } = await openServing(t, url);
  await query(url, 'ALTER TABLE attempts RENAME TO aside');
  await engine.tryWrite().catch(() => {});
  const rows = () => engine.query('SELECT failures FROM aside');
  t.strictSame(await rows(), []);
  await query(url, "INSERT INTO aside (`key`, failures, expires_at) VALUES ('key', 1, 1)");
  t.match(await rows(), [{ failures: 1 }], 'later reads see what others have written since');
});
