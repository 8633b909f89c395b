/**
 * The migrations are drizzle-kit's own, and so is the table in which a database remembers them: whoever knows
 * drizzle-kit may apply them with it, before or after our commands did, and neither may be misled by the other.
 */
import { onEachEngine } from '../support/engines.ts';
import { ask, kitMigrates, NAMES, rowsOf, schemaOf, withThree } from '../support/migrations.ts';

const APPLIED = 'SELECT created_at, hash FROM __drizzle_migrations ORDER BY created_at';

onEachEngine("drizzle-kit's own migrator", async (t, { makeDatabase }) => {
  const scratch = withThree(t);
  const newest = NAMES.at(-1) ?? '';
  const url = await makeDatabase(t);

  t.test('makes a database that our commands understand', async (t) => {
    await kitMigrates(scratch, url);
    t.strictSame(await scratch.did(url, 'current'), [newest]);
    await t.resolves(scratch.move(url, 'upgrade', newest), 'there is nothing to do');
  });

  t.test('goes on where we stopped, and applies again what we took back', async (t) => {
    const schema = await schemaOf(url);
    t.strictSame(await scratch.did(url, 'downgrade', '0001'), ['took back 0003_three', 'took back 0002_two']);
    t.notOk('t0002_two' in (await rowsOf(url)));
    await kitMigrates(scratch, url);
    t.strictSame(await schemaOf(url), schema);
    t.strictSame(await scratch.did(url, 'check'), ['The migrations are sound.']);
    await scratch.move(url, 'downgrade', 'base');
    t.strictSame(await schemaOf(url), []);
  });

  t.test('finds nothing to do where we are done', async (t) => {
    await scratch.move(url, 'upgrade', newest);
    const before = [await schemaOf(url), await rowsOf(url), await ask(url, APPLIED)];
    await kitMigrates(scratch, url);
    t.strictSame([await schemaOf(url), await rowsOf(url), await ask(url, APPLIED)], before);
  });
});
