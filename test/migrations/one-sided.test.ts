/**
 * A change that only one dialect has, such as the length of MySQL's keys, gets a migration in the other one, too, so that
 * both stay in step; it does nothing, and must not be in anybody's way.
 */
import { test } from 'tap';
import { engines } from '../support/engines.ts';
import { ask, fill, kitMigrates, rowsOf, Scratch, schemaOf } from '../support/migrations.ts';

const NAME = '0001_longer';

test('a change in one dialect', async (t) => {
  const scratch = new Scratch(t);
  scratch.edit('db/schema/column-types.ts', 'DIGEST_LENGTH = 43', 'DIGEST_LENGTH = 64');
  await scratch.revise('longer');
  t.match(scratch.text('mysql', `${NAME}.sql`), 'ALTER TABLE `sessions` MODIFY COLUMN `key` char(64)');
  t.match(scratch.text('sqlite', `${NAME}.sql`), /^-- Nothing changes here\.$/m);
  t.strictSame(await scratch.did('sqlite:data/none.db', 'check'), ['The migrations are sound.']);

  for (const { name, makeDatabase } of engines) {
    t.test(`is taken and taken back on ${name}`, async (t) => {
      const url = await makeDatabase(t);
      await scratch.move(url, 'upgrade', '0000_first');
      await fill(url);
      const before = [await schemaOf(url), await rowsOf(url)];
      await scratch.move(url, 'upgrade', NAME);
      t.strictSame(await rowsOf(url), before[1]);
      await scratch.move(url, 'downgrade', '-1');
      t.strictSame([await schemaOf(url), await rowsOf(url)], before);
      await kitMigrates(scratch, url);
      t.match(
        await ask(url, 'SELECT COUNT(*) AS applied FROM __drizzle_migrations'),
        [{ applied: 2 }],
        "by drizzle-kit's migrator, too",
      );
    });
  }
});
