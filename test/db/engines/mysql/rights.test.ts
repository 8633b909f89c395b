/**
 * docs/migrations.md lists the rights of two accounts: one that migrates, and one with which the service runs, and which can change
 * neither the schema nor the audit trail. These tests run the statements of that page.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSettings } from '../../../../config/load.ts';
import { openEngine } from '../../../../db/database.ts';
import { purge } from '../../../../db/maintenance.ts';
import { purgeQueries } from '../../../../db/queries/purge.ts';
import { answersOf } from '../../../support/answers.ts';
import { query } from '../../../support/database-content.ts';
import { makeLog } from '../../../support/log.ts';
import { FAST_FLAGS, onOwnServer } from '../../../support/own-server.ts';
import { manage, PROJECT, runServer } from '../../../support/processes.ts';
import { STEPS } from '../../../support/requests.ts';
import { makeUser, quickHashing, signedIn, startService } from '../../../support/service.ts';
import { databaseName } from '../../../support/test-server.ts';

/** @returns the statements of each block of SQL in the section about accounts. */
function readBlocks(): string[][] {
  const text = readFileSync(join(PROJECT, 'docs/migrations.md'), 'utf8');
  const section = /\n## 6\. [\s\S]*?\n(?=## )/.exec(text)?.[0] ?? '';
  return [...section.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, block = '']) => block.trim().split('\n'));
}

onOwnServer('Two accounts with few rights suffice', FAST_FLAGS, async (t, server) => {
  const [toMigrate = [], toRun = [], toPurge = []] = readBlocks();
  const owner = await server.makeDatabase();
  const grant = async (statements: string[]) => {
    for (const each of statements) await server.query(each.replace(' rollcall.', ` ${databaseName(owner)}.`));
  };
  const as = (user: string, url = owner) => url.replace('root@', `${user}:PASSWORD@`);
  const [migrating, running] = [as('rollcall_migrate'), as('rollcall')];
  const run = (url: string, ...args: string[]) => manage(args, { environment: { DATABASE_URL: url } });

  await t.test('The first account migrates', async (t) => {
    await grant(toMigrate);
    await server.query(`REVOKE DROP ON ${databaseName(owner)}.* FROM rollcall_migrate`);
    t.match(await run(migrating, 'db', 'upgrade'), { code: 0, stdout: /^applied 0000_first\n/ });
    t.match(await run(migrating, 'db', 'downgrade', '0002', '--yes'), {
      code: 1,
      // Of the newest migration that makes a table.
      stderr:
        /in (\w+)\.down\.sql failed: .* lacks the right DROP on the table `\w+`\.`\w+`\. Nothing of \1 has taken effect.*DROP TABLE/s,
    });
    await grant(toMigrate.slice(1));
    for (const args of [['downgrade', 'base', '--yes'], ['upgrade']])
      t.match(await run(migrating, 'db', ...args), { code: 0, stderr: '' }, args.join(' '));
  });

  await t.test('The page lists every table', async (t) => {
    const tables = await query(
      owner,
      'SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()',
    );
    const listed = toRun.map((line) => / ON rollcall\.`?(\w+)/.exec(line)?.[1]).filter((name) => name);
    t.strictSame(
      listed.sort(),
      tables.map(({ name }) => String(name)).sort(),
      'docs/migrations.md, section 6',
    );
  });

  await t.test('The second account serves every request', async (t) => {
    await grant(toRun);
    const settings = { AUTO_MIGRATE: false };
    const { app } = await startService(t, server.engine, {
      databaseUrl: running,
      settings,
      hashing: quickHashing,
    });
    const answers = await answersOf(app);
    for (const [index, { step, status }] of answers.entries())
      t.equal(status, STEPS[index]?.status, step.slice(0, 100));
    t.equal((await app.inject('/readyz')).statusCode, 200);
    for (const statement of [
      'DELETE FROM audit',
      "UPDATE audit SET via = ''",
      'DROP TABLE audit',
      'CREATE TABLE more (id int)',
    ])
      await t.rejects(query(running, statement), { message: /command denied/ }, statement);
  });

  await t.test('It needs DELETE on the audit trail only with AUDIT_RETENTION', async (t) => {
    const engine = await openEngine(loadSettings({ root: PROJECT, environment: { DATABASE_URL: running } }));
    t.teardown(() => engine.close());
    const db = { atomically: engine.atomically, purge: purgeQueries(engine) };
    await query(owner, "UPDATE audit SET id = CONCAT('00', SUBSTR(id, 3)) LIMIT 1");
    await t.resolves(purge(db, { auditRetention: 0 }));
    await t.rejects(purge(db, { auditRetention: 1 }), {
      message: /^The database's user lacks the right DELETE on the table \S*audit\S*\. docs\/migrations\.md/,
    });
    await grant(toPurge);
    t.equal(await purge(db, { auditRetention: 1 }), 1);
  });

  await t.test('A missing right is named with its table', async (t) => {
    const { log, lines } = makeLog();
    const { app } = await startService(t, server.engine, {
      databaseUrl: running,
      settings: { AUTO_MIGRATE: false },
      hashing: quickHashing,
      log,
    });
    await makeUser(app, 'dora');
    const on = (table: string) => `${databaseName(owner)}.${table}`;
    await server.query(`REVOKE INSERT ON ${on('sessions')} FROM rollcall`);
    lines.length = 0;
    await t.rejects(signedIn(app, 'dora'), { message: /"status":503/ });
    const failures = lines.filter((line) => JSON.parse(line).level >= 40);
    t.equal(failures.length, 1, 'one log line');
    t.match(failures[0], /lacks the right INSERT on the table \S*sessions/);

    await server.query(`REVOKE SELECT ON ${on('__drizzle_migrations')} FROM rollcall`);
    const stderr =
      /^(manage|rollcall): The database's user lacks the right SELECT on the table \S*__drizzle_migrations\S*\. .*\n$/;
    for (const args of [
      ['user', 'list'],
      ['db', 'current'],
    ])
      t.match(await run(running, ...args), { code: 1, stdout: '', stderr }, args.join(' '));
    t.match(await runServer({ DATABASE_URL: running }), { code: 1, stderr });

    await server.query(`REVOKE CREATE ON ${databaseName(owner)}.* FROM rollcall_migrate`);
    t.match(await run(as('rollcall_migrate', await server.makeDatabase()), 'db', 'upgrade'), {
      code: 1,
      stderr: /denied/,
    });
    await run(owner, 'db', 'downgrade', 'base', '--yes');
    t.match(await run(migrating, 'db', 'upgrade'), {
      code: 1,
      stdout: '',
      stderr: /lacks the right CREATE on the table /,
    });
  });
});
