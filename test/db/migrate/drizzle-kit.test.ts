/**
 * The migration files and the table of applied migrations are those of drizzle-kit, and who knows it types its commands. So
 * `drizzle-kit migrate` must be as safe as `manage db upgrade`, and both must agree on the state of the database.
 */
import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { fillTables, query, rowsOf, schemaOf } from '../../support/database-content.ts';
import { onEachEngine } from '../../support/engines.ts';
import {
  copyWithThreeMigrations,
  MIGRATION_NAMES,
  migrateWithDrizzleKit,
  ProjectCopy,
  runDrizzleKit,
} from '../../support/migrations.ts';

const APPLIED = 'SELECT created_at, hash FROM __drizzle_migrations ORDER BY created_at';

onEachEngine('drizzle-kit and the commands work on the same database', async (t, { makeDatabase }) => {
  const project = copyWithThreeMigrations(t);
  const newest = MIGRATION_NAMES.at(-1) ?? '';
  const url = await makeDatabase(t);

  t.test('Two that migrate at once apply each migration once', async (t) => {
    // Of several servers, drizzle-kit gets the first one.
    const servers = url.replace(/^mysql:\/\/[^/]+/, '$&,127.0.0.1:1');
    const ended = await Promise.all([1, 2].map(() => runDrizzleKit(project, servers, 'migrate')));
    for (const { code, stdout, stderr } of ended) t.equal(code, 0, `${stdout}${stderr}`);
    const output = ended.map(({ stdout }) => stdout).join('');
    for (const name of MIGRATION_NAMES) t.equal(output.split(`applied ${name}\n`).length, 2, name);
    t.equal((await query(url, APPLIED)).length, MIGRATION_NAMES.length);
  });

  t.test('The commands understand a database made by drizzle-kit', async (t) => {
    t.strictSame(await project.dbOutput(url, 'current'), [newest]);
    await t.resolves(project.migrate(url, 'upgrade', newest), 'no migration is pending');
  });

  t.test('drizzle-kit applies migrations that the commands reverted', async (t) => {
    const schema = await schemaOf(url);
    t.strictSame(await project.dbOutput(url, 'downgrade', '0001'), [
      'took back 0003_three',
      'took back 0002_two',
    ]);
    t.notOk('t0002_two' in (await rowsOf(url)));
    await migrateWithDrizzleKit(project, url);
    t.strictSame(await schemaOf(url), schema);
    t.strictSame(await project.dbOutput(url, 'check'), ['The migrations are sound.']);
    await project.migrate(url, 'downgrade', 'base');
    t.strictSame(await schemaOf(url), []);
  });

  t.test('drizzle-kit changes nothing when the commands applied all migrations', async (t) => {
    await project.migrate(url, 'upgrade', newest);
    const before = [await schemaOf(url), await rowsOf(url), await query(url, APPLIED)];
    await migrateWithDrizzleKit(project, url);
    t.strictSame([await schemaOf(url), await rowsOf(url), await query(url, APPLIED)], before);
  });

  t.test('drizzle-kit refuses what the commands refuse, with the command to use', async (t) => {
    const folder = join(project.folder, 'db/migrations');
    project.addMigration('0004_gone', ['-- loses data: t0002_two\nDROP TABLE t0002_two'], ['SELECT 1']);
    const before = [await schemaOf(url), await rowsOf(url)];
    const refused = async (stderr: RegExp) => {
      const result = await runDrizzleKit(project, url, 'migrate');
      t.match(result, { code: 1, stderr });
      t.notMatch(result.stdout + result.stderr, /^\s+at /m, 'there is no stack trace');
      t.strictSame([await schemaOf(url), await rowsOf(url)], before);
    };
    await refused(/^manage: Data is lost by 0004_gone .*"npm run manage -- db upgrade --yes"\.\n$/);
    for (const dialect of ['sqlite', 'mysql'] as const) rmSync(join(folder, dialect, '0004_gone.down.sql'));
    const oneWay = /^manage: There is no 0004_gone\.down\.sql .*"npm run manage -- db revision gone"\.\n$/;
    await refused(oneWay);
    t.match(await project.runDb(url, 'upgrade', '--yes'), { code: 1, stdout: '', stderr: oneWay });
  });
});

test('drizzle-kit migrate works in a fresh clone and keeps all rows', async (t) => {
  const project = new ProjectCopy(t);
  const path = join(project.folder, 'data/rollcall.db');
  const url = `sqlite:${path}`;

  await t.test('It makes the database for its owner only, and says what it applied', async (t) => {
    const { code, stdout, stderr } = await runDrizzleKit(project, '', 'migrate');
    t.equal(code, 0, `${stdout}${stderr}`);
    t.equal(stderr, '');
    t.match(stdout, /^applied 0000_first$/m);
    t.match(stdout, /migrations applied successfully/);
    t.equal(statSync(path).mode & 0o777, 0o600);
    t.equal(statSync(join(project.folder, 'data')).mode & 0o777, 0o700);
  });

  await fillTables(url);
  project.edit(
    'db/schema/users.ts',
    "name: t.string(USER_LENGTHS.name).notNull().default('')",
    "name: t.string(USER_LENGTHS.name).notNull().default('rebuilt')",
  );
  const made = await runDrizzleKit(project, '', 'generate', '--name', 'migrate');
  t.equal(made.code, 0, made.stderr);
  t.match(project.text('sqlite', '0001_migrate.sql'), '__new_users', 'the parent of other tables is rebuilt');

  await t.test('A migration that drizzle-kit has made is applied once its way down is made', async (t) => {
    const before = await rowsOf(url);
    t.notMatch(made.stdout, 'Nothing to do', 'to generate is not to migrate');
    t.match(await runDrizzleKit(project, '', 'migrate'), { code: 1, stderr: /db revision migrate"/ });
    t.match(await project.runDb(url, 'revision', 'other'), { code: 1, stderr: /db revision migrate\n$/ });
    await project.revise('migrate');
    for (const dialect of ['sqlite', 'mysql'])
      t.ok(existsSync(join(project.folder, `db/migrations/${dialect}/0001_migrate.down.sql`)), dialect);
    t.strictSame(await project.dbOutput(url, 'check'), ['The migrations are sound.']);
    const { code, stdout } = await runDrizzleKit(project, '', '--config', 'drizzle.config.ts', 'migrate');
    t.equal(code, 0);
    t.match(stdout, /^applied 0001_migrate$/m);
    const { __drizzle_migrations: _before, ...rows } = before;
    const { __drizzle_migrations: _after, ...left } = await rowsOf(url);
    t.strictSame(left, rows, 'no row is lost');
  });
});
