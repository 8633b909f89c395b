/**
 * Servers that are set up in another way must hold the same schema and give the same responses. Each gets the whole list of requests,
 * and the responses are compared with SQLite's.
 */
import type { Test } from 'tap';
import { loadSettings } from '../../../../config/load.ts';
import { openEngine } from '../../../../db/database.ts';
import { downgrade, upgrade } from '../../../../db/migrate/migrator.ts';
import { BASE } from '../../../../db/migrate/targets.ts';
import { answersOf } from '../../../support/answers.ts';
import { schemaOf } from '../../../support/database-content.ts';
import { engines, type TestEngine } from '../../../support/engines.ts';
import { FAST_FLAGS, onOwnServer } from '../../../support/own-server.ts';
import { quickHashing, startService } from '../../../support/service.ts';
import { OwnServer } from '../../../support/test-server.ts';

const LATIN1 = ['--sql-mode=', '--character-set-server=latin1', '--collation-server=latin1_swedish_ci'];
const ANSI = ['--sql-mode=ANSI_QUOTES', '--lower-case-table-names=1', '--default-time-zone=+05:45'];

/** @returns the schema after migrating up, down and up again. */
async function schemaOn(t: Test, { makeDatabase }: TestEngine) {
  const url = await makeDatabase(t);
  const engine = await openEngine(
    loadSettings({ root: import.meta.dirname, environment: { DATABASE_URL: url } }),
  );
  t.teardown(() => engine.close());
  await upgrade(engine);
  const schema = await schemaOf(url);
  await downgrade(engine, BASE, { acceptLoss: true });
  t.strictSame(await schemaOf(url), [], 'no table is left at base');
  await upgrade(engine);
  t.strictSame(await schemaOf(url), schema);
  return schema;
}

onOwnServer('Servers with other settings behave the same', [...LATIN1, ...FAST_FLAGS], async (t, latin1) => {
  const ansi = new OwnServer([...ANSI, ...FAST_FLAGS]);
  t.teardown(() => ansi.remove());
  await ansi.start();
  t.match(await ansi.query('SELECT @@GLOBAL.sql_mode AS mode, @@lower_case_table_names AS folded'), [
    { mode: 'ANSI_QUOTES', folded: 1 },
  ]);
  t.match(await latin1.query('SELECT @@GLOBAL.sql_mode AS mode, @@character_set_server AS letters'), [
    { mode: '', letters: 'latin1' },
  ]);
  const servers = {
    'an empty sql_mode and latin1': latin1,
    'ANSI_QUOTES, folded names and another time zone': ansi,
  };
  const [sqlite, plain] = engines;
  if (!sqlite || !plain) throw new Error('These tests need both engines.');

  const expectedSchema = await schemaOn(t, plain);
  t.ok(expectedSchema.length >= 10);
  const expected = await answersOf((await startService(t, sqlite, { hashing: quickHashing })).app);
  for (const [name, { engine }] of Object.entries(servers)) {
    await t.test(`The schema is the same with ${name}`, async (t) => {
      t.strictSame(await schemaOn(t, engine), expectedSchema);
    });
    await t.test(`The responses are those of SQLite with ${name}`, async (t) => {
      const answers = await answersOf((await startService(t, engine, { hashing: quickHashing })).app);
      t.equal(answers.length, expected.length);
      for (const [index, answer] of answers.entries())
        t.strictSame(answer, expected[index], answer.step.slice(0, 100));
    });
  }
});
