/**
 * Tests what a refused statement leaves for the earlier version of the service. When it was the first of its migration, nothing has
 * changed, so the earlier version must start. When others ran before it, the operator must be able to give the migration up.
 */
import mysql from 'mysql2/promise';
import { type Test, test } from 'tap';
import { fillTables, query, rowsOf, schemaOf } from '../../support/database-content.ts';
import { engines, onEachEngine } from '../../support/engines.ts';
import { ProjectCopy } from '../../support/migrations.ts';
import { runServer, startServer } from '../../support/processes.ts';

const REFUSED = 'INSERT INTO missing VALUES (1)';

async function prepare(t: Test, makeDatabase: (t: Test) => Promise<string>) {
  const [older, newer] = [new ProjectCopy(t), new ProjectCopy(t)];
  newer.addMigration('0001_sound', ['CREATE TABLE sound (id int)'], [REFUSED, 'DROP TABLE sound']);
  newer.addMigration('0002_refused', [REFUSED, 'CREATE TABLE after (id int)'], ['SELECT 1']);
  const url = await makeDatabase(t);
  await older.migrate(url, 'upgrade', '0000');
  await fillTables(url);
  return { older, newer, url };
}

/** Asserts that the service starts and is ready. */
async function assertServes(t: Test, { folder }: ProjectCopy, url: string): Promise<void> {
  const environment = { DATABASE_URL: url, WORKERS: '1', AUTO_MIGRATE: 'false' };
  const server = await startServer(t, { folder, environment });
  t.equal((await fetch(`${server.url}/readyz`)).status, 200);
  await server.stop();
}

const unfinishedRows = (url: string) => query(url, 'SELECT * FROM __rollcall_unfinished');

onEachEngine(
  'A migration whose first statement is refused changes nothing',
  async (t, { name, makeDatabase }) => {
    const { older, newer, url } = await prepare(t, makeDatabase);
    for (const dialect of ['sqlite', 'mysql'] as const)
      newer.write(
        dialect,
        '0001_sound.sql',
        `${REFUSED}--> statement-breakpoint\nCREATE TABLE sound (id int)`,
      );
    const before = [await schemaOf(url), await rowsOf(url)];

    const nothing =
      name === 'SQLite'
        ? /Nothing was changed\./
        : /Nothing of 0001_sound has taken effect, and it is still pending;/;
    for (const attempt of ['first', 'second']) {
      const { code, stdout, stderr } = await newer.runDb(url, 'upgrade');
      t.strictSame({ code, stdout }, { code: 1, stdout: '' }, attempt);
      t.match(stderr, /^manage: Statement 1 of 2 in 0001_sound\.sql failed: .*missing/, attempt);
      t.match(stderr, nothing, attempt);
      t.notMatch(stderr, '--unfinished', attempt);
    }
    t.strictSame(await newer.dbOutput(url, 'current'), [
      '0000_first',
      'pending: 0001_sound',
      'pending: 0002_refused',
    ]);
    if (name === 'SQLite') t.strictSame([await schemaOf(url), await rowsOf(url)], before);
    await assertServes(t, older, url);
  },
);

for (const { makeDatabase } of engines.filter(({ name }) => name === 'MySQL')) {
  test('Migrations before the refused one stay applied, on MySQL', async (t) => {
    const { newer, url } = await prepare(t, makeDatabase);
    const up = newer.runDb(url, 'upgrade');
    t.match(await up, { code: 1, stdout: 'applied 0001_sound\n', stderr: /Nothing of 0002_refused has/ });
    t.strictSame(await unfinishedRows(url), []);
    t.strictSame(await newer.dbOutput(url, 'current'), ['0001_sound', 'pending: 0002_refused']);

    await t.rejects(newer.migrate(url, 'downgrade', '-1'), {
      message:
        /^Statement 1 of 2 in 0001_sound\.down\.sql failed: .*Nothing of 0001_sound has taken effect, and it is still applied;/,
    });
    t.strictSame(await unfinishedRows(url), []);

    await t.test('References that they broke are still to be mended', async (t) => {
      await query(url, 'CREATE TABLE missing (id int)');
      await newer.migrate(url, 'downgrade', '-1');
      newer.write('mysql', '0001_sound.sql', "DELETE FROM users WHERE id LIKE '1%'");
      await query(url, 'DROP TABLE missing');
      await t.rejects(newer.migrate(url, 'upgrade', '0002'), { message: /Nothing of 0002_refused/ });
      t.match(await unfinishedRows(url), [{ name: '0001_sound', state: 'unchecked' }]);
      await t.rejects(newer.migrate(url, 'upgrade', '0002'), { message: /broke foreign keys/ });
    });
  });

  test('A table that is in use at the first statement leaves nothing unfinished, on MySQL', async (t) => {
    const { older, newer, url } = await prepare(t, makeDatabase);
    newer.write('mysql', '0001_sound.sql', 'ALTER TABLE users ADD COLUMN extra int');
    const reader = await mysql.createConnection(url);
    t.teardown(() => reader.destroy());
    await reader.query('START TRANSACTION');
    await reader.query('SELECT * FROM users');
    await t.rejects(newer.migrate(url, 'upgrade', '0001'), {
      message: /a lock that another connection holds .* Nothing of 0001_sound has taken effect/,
    });
    t.strictSame(await unfinishedRows(url), []);
    await older.migrate(url, 'upgrade', '0000');
    await reader.query('COMMIT');
    await t.resolves(newer.migrate(url, 'upgrade', '0001'));
  });

  test('A migration that stopped halfway can be given up, on MySQL', async (t) => {
    const { older, newer, url } = await prepare(t, makeDatabase);
    const environment = { DATABASE_URL: url, WORKERS: '1' };
    const server = await startServer(t, { folder: older.folder, environment });
    const ready = async () => (await fetch(`${server.url}/readyz`)).status;
    t.equal(await ready(), 200);
    newer.write('mysql', '0001_sound.sql', `CREATE TABLE sound (id int)--> statement-breakpoint\n${REFUSED}`);
    const instruction =
      /Or undo by hand what its statements have changed, and give it up with "npm run manage -- db upgrade --unfinished give-up"\.\n$/;
    await t.rejects(newer.migrate(url, 'upgrade', '0001'), { message: /Statement 2 of 2/ });

    t.equal(await ready(), 503, 'a service that runs is as little ready as one that starts');
    t.match(await runServer(environment, [], older.folder), { code: 1, stderr: instruction });
    t.match(await older.runDb(url, 'upgrade'), { code: 1, stderr: instruction });

    await query(url, 'DROP TABLE sound');
    const givenUp = await older.runDb(url, 'upgrade', '--unfinished', 'give-up');
    t.match(givenUp, { code: 0, stdout: 'The unfinished migration is given up.\n', stderr: '' });
    t.equal(await ready(), 200);
    await assertServes(t, older, url);
    t.match(await older.runDb(url, 'upgrade', '--unfinished', 'give-up'), {
      code: 1,
      stderr: 'manage: There is no unfinished migration to give up.\n',
    });
    t.notOk('sound' in (await rowsOf(url)), 'giving up runs nothing');
  });
}
