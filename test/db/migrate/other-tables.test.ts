/**
 * A mistyped DATABASE_URL may name another program's database. It must be refused before anything is changed, on SQLite to the
 * last byte. Rollcall goes beside other tables only if it is told to.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { query, rowsOf, schemaOf } from '../../support/database-content.ts';
import { onEachEngine } from '../../support/engines.ts';
import { manage, runServer } from '../../support/processes.ts';

const REFUSED =
  /^(manage|rollcall): The database has tables that are not Rollcall's: invoices, their_notes\. .*"npm run manage -- db upgrade --beside-other-tables"\.\n$/;
const TAKEN =
  /^manage: Rollcall needs the names of tables that the database has already, .*: Users\. .*DATABASE_URL\.\n$/;

/** @returns all that a refused command must leave: on SQLite the files byte by byte, on MySQL schema and rows. */
async function contentOf(url: string): Promise<unknown> {
  if (!url.startsWith('sqlite:')) return [await schemaOf(url), await rowsOf(url)];
  const path = url.slice('sqlite:'.length);
  return [readdirSync(dirname(path)), createHash('sha256').update(readFileSync(path)).digest('hex')];
}

onEachEngine("Another program's database is refused", async (t, { name, makeDatabase }) => {
  const url = await makeDatabase(t);
  const environment = { DATABASE_URL: url };
  const run = (...args: string[]) => manage(args, { environment });
  await query(url, 'CREATE TABLE their_notes (id int PRIMARY KEY, text varchar(20))');
  await query(url, 'CREATE VIEW invoices AS SELECT * FROM their_notes');
  await query(url, "INSERT INTO their_notes VALUES (1, 'mine')");
  const before = await contentOf(url);

  await t.test('Commands that look, upgrade, downgrade and start change nothing', async (t) => {
    t.match(await run('db', 'current'), { code: 0, stdout: /^no migration is applied\n/ });
    t.match(await run('db', 'history'), { code: 0, stdout: /0000_first {2}pending/ });
    t.match(await run('db', 'check'), { code: 0 });
    t.match(await run('db', 'upgrade', '+0'), { code: 0, stdout: /^Nothing to do/ });
    t.match(await run('db', 'downgrade', 'base', '--yes'), { code: 0, stdout: /^Nothing to do/ });
    for (const args of [
      ['user', 'list'],
      ['db', 'upgrade'],
      ['db', 'upgrade', '--yes'],
    ])
      t.match(await run(...args), { code: 1, stdout: '', stderr: REFUSED }, args.join(' '));
    for (const AUTO_MIGRATE of ['true', 'false'])
      t.match(await runServer({ ...environment, AUTO_MIGRATE }), { code: 1, stderr: REFUSED });
    t.strictSame(await contentOf(url), before);
  });

  await t.test('A table of the same name is refused in any case', async (t) => {
    await query(url, 'CREATE TABLE Users (id int PRIMARY KEY)');
    const before = await contentOf(url);
    for (const flags of [[], ['--beside-other-tables', '--yes']])
      t.match(await run('db', 'upgrade', ...flags), { code: 1, stdout: '', stderr: TAKEN }, flags.join(' '));
    t.strictSame(await contentOf(url), before);
    await query(url, 'DROP TABLE Users');
  });

  await t.test('Migrations of another program in __drizzle_migrations are refused in any case', async (t) => {
    await query(url, 'CREATE TABLE __drizzle_migrations (id int PRIMARY KEY, hash text, created_at bigint)');
    await query(url, "INSERT INTO __drizzle_migrations VALUES (1, 'theirs', 1700000000000)");
    const before = await contentOf(url);
    const stderr = /a migration in its table __drizzle_migrations, and none is of this code/;
    for (const flags of [[], ['--beside-other-tables']])
      t.match(await run('db', 'upgrade', ...flags), { code: 1, stdout: '', stderr }, flags.join(' '));
    t.match(await run('user', 'list'), { code: 1, stdout: '', stderr });
    t.strictSame(await contentOf(url), before);
    await query(url, 'DROP TABLE __drizzle_migrations');
  });

  await t.test('--beside-other-tables is asked for once, and the other tables stay', async (t) => {
    const upgraded = await run('db', 'upgrade', '0000', '--beside-other-tables');
    t.match(upgraded, { code: 0, stdout: 'applied 0000_first\n', stderr: '' });
    t.match(await run('db', 'upgrade'), { code: 0, stdout: /^applied 0001_/ });
    t.match(await run('user', 'list'), { code: 0, stdout: '', stderr: '' });
    if (name === 'SQLite') t.strictSame(await query(url, 'PRAGMA journal_mode'), [{ journal_mode: 'wal' }]);
    t.match(await run('db', 'downgrade', 'base', '--yes'), { code: 0 });
    t.match(await run('db', 'upgrade'), { code: 1, stdout: '', stderr: REFUSED });
    t.strictSame(await query(url, 'SELECT * FROM invoices'), [{ id: 1, text: 'mine' }]);
  });
});

onEachEngine('A table that a pending migration creates must not be there', async (t, { makeDatabase }) => {
  const url = await makeDatabase(t);
  const run = (...args: string[]) => manage(args, { environment: { DATABASE_URL: url } });
  t.match(await run('db', 'upgrade', '0000'), { code: 0 });
  await query(url, 'CREATE TABLE tokens (id int PRIMARY KEY)');
  const before = [await schemaOf(url), await rowsOf(url)];
  t.match(await run('db', 'upgrade', '--yes'), { code: 1, stdout: '', stderr: /has already, .*: tokens\./ });
  t.strictSame([await schemaOf(url), await rowsOf(url)], before);
});
