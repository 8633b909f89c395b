/** Tests the output and exit codes of the migration commands, and how the service reports a wrong revision. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { engines } from '../../support/engines.ts';
import { copyWithThreeMigrations, MIGRATION_NAMES } from '../../support/migrations.ts';
import { makeFolder, runServer } from '../../support/processes.ts';

const NOTHING = 'Nothing to do: the database is there already, or beyond it.';

test('The migration commands report the state of the database', async (t) => {
  const project = copyWithThreeMigrations(t);
  const [engine] = engines;
  const url = (await engine?.makeDatabase(t)) ?? '';
  const refused = async (stderr: RegExp, ...args: string[]) =>
    t.match(await project.runDb(url, ...args), { code: 1, stdout: '', stderr });

  t.test('The commands print what they applied or reverted, and the revision', async (t) => {
    t.strictSame(
      await project.dbOutput(url, 'upgrade', '0002'),
      MIGRATION_NAMES.slice(0, 3).map((name) => `applied ${name}`),
    );
    t.strictSame(await project.dbOutput(url, 'current'), ['0002_two', 'pending: 0003_three']);
    t.strictSame(await project.dbOutput(url, 'downgrade', '-1'), ['took back 0002_two']);
    t.match(await project.dbOutput(url, 'history'), [
      /^\d{4}-\d\d-\d\dT[\d:.]+Z {2}0000_first {2}applied$/,
      /0001_one {2}applied$/,
      /0002_two {2}pending$/,
      /0003_three {2}pending$/,
    ]);
    await refused(/There is no migration 0009/, 'upgrade', '0009');
    await refused(/too many arguments/, 'downgrade', 'base', '--yess');
    await refused(/Data is lost by 0000_first \(down\)/, 'downgrade', 'base');
    t.strictSame(await project.dbOutput(url, 'current'), [
      '0001_one',
      'pending: 0002_two',
      'pending: 0003_three',
    ]);
  });

  t.test('A downgrade does not create a missing SQLite file', async (t) => {
    const path = join(makeFolder(t), 'mistyped.db');
    const result = await project.runDb(`sqlite:${path}`, 'downgrade', 'base', '--yes');
    t.match(result, { code: 1, stdout: '', stderr: `There is no database at sqlite:${path}.` });
    t.notOk(existsSync(path));
  });

  t.test('The service and the commands refuse a database that is behind or ahead of the code', async (t) => {
    const environment = { DATABASE_URL: url, AUTO_MIGRATE: 'false' };
    const behind = await runServer(environment, [], project.folder);
    t.match(behind, {
      code: 1,
      stderr: /behind the code by 2 migrations, the first being 0002_two.*"npm run manage -- db upgrade"/,
    });
    t.strictSame(await project.dbOutput(url, 'upgrade'), ['applied 0002_two', 'applied 0003_three']);
    const older = copyWithThreeMigrations(t);
    for (const dialect of ['sqlite', 'mysql'] as const) {
      const journal: { entries: object[] } = JSON.parse(older.text(dialect, 'meta/_journal.json'));
      older.write(
        dialect,
        'meta/_journal.json',
        JSON.stringify({ ...journal, entries: journal.entries.slice(0, 2) }),
      );
    }
    const ahead = /ahead of the code: it has 2 migrations that this version does not know, after 0001_one/;
    await t.rejects(older.migrate(url, 'downgrade', '-1'), { name: 'MigrationError', message: ahead });
    t.match(await older.runDb(url, 'upgrade'), { code: 1, stderr: ahead });
    t.match(await runServer({ ...environment, AUTO_MIGRATE: 'true' }, [], older.folder), {
      code: 1,
      stderr: ahead,
    });
    t.strictSame(await older.dbOutput(url, 'current'), [
      '0001_one',
      'unknown to this version of the code: 2',
    ]);
    t.strictSame(await project.dbOutput(url, 'upgrade'), [NOTHING], 'the database was not changed');
  });
});
