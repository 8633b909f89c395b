/**
 * The migrations are drizzle-kit's own, and so is the table in which a database remembers them: whoever knows
 * drizzle-kit may apply them with it, before or after our commands did, and neither may be misled by the other.
 */
import { join } from 'node:path';
import { onEachEngine } from '../support/engines.ts';
import { NAMES, rowsOf, type Scratch, schemaOf, withThree } from '../support/migrations.ts';
import { run } from '../support/processes.ts';

/** Runs `npx drizzle-kit migrate`. */
async function kitMigrates({ folder }: Scratch, url: string): Promise<void> {
  const kit = join(folder, 'node_modules/drizzle-kit/bin.cjs');
  const environment = { DATABASE_URL: url };
  const { code, stdout, stderr } = await run(folder, process.execPath, [kit, 'migrate'], { environment });
  if (code !== 0) throw new Error(`drizzle-kit migrate ended with ${code}: ${stdout}${stderr}`);
}

onEachEngine("drizzle-kit's own migrator", async (t, { makeDatabase }) => {
  const scratch = withThree(t);
  const newest = NAMES.at(-1) ?? '';
  const url = await makeDatabase(t);

  t.test('makes a database that our commands understand', async (t) => {
    await kitMigrates(scratch, url);
    t.strictSame(await scratch.did(url, 'current'), [newest]);
    t.strictSame(await scratch.did(url, 'check'), ['The migrations are sound.']);
  });

  t.test('applies again what we took back', async (t) => {
    const schema = await schemaOf(url);
    t.strictSame(await scratch.did(url, 'downgrade', '0001'), ['took back 0003_three', 'took back 0002_two']);
    t.strictSame(Object.keys(await rowsOf(url)).includes('t0002_two'), false);
    await kitMigrates(scratch, url);
    t.strictSame(await schemaOf(url), schema);
  });

  t.test('goes on where we stopped, and finds nothing to do when we are done', async (t) => {
    const schema = await schemaOf(url);
    const other = await makeDatabase(t);
    await scratch.move(other, 'upgrade', '0001');
    await scratch.move(other, 'upgrade', '0002');
    await kitMigrates(scratch, other);
    t.strictSame(await schemaOf(other), schema);
    await scratch.move(other, 'downgrade', 'base');
    t.strictSame(await schemaOf(other), []);
    await scratch.move(other, 'upgrade', newest);
    await kitMigrates(scratch, other);
    t.strictSame(await schemaOf(other), schema);
  });
});
