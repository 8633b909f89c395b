/**
 * A database may have tables of other programs. Rows of theirs that refer to nothing are no business of Rollcall's, and must not keep
 * it from migrating and starting, while its own are found beside them.
 */
import Sqlite from 'better-sqlite3';
import mysql from 'mysql2/promise';
import { fillTables, rowsOf } from '../../support/database-content.ts';
import { onEachEngine } from '../../support/engines.ts';
import { ProjectCopy } from '../../support/migrations.ts';
import { startServer } from '../../support/processes.ts';

/** Runs the statements on one connection that does not enforce foreign keys. */
async function runUnchecked(url: string, statements: string[]): Promise<void> {
  if (url.startsWith('sqlite:')) {
    const client = new Sqlite(url.slice('sqlite:'.length));
    client.pragma('foreign_keys = OFF');
    for (const statement of statements) client.exec(statement);
    client.close();
    return;
  }
  const connection = await mysql.createConnection(url);
  for (const statement of ['SET foreign_key_checks = 0', ...statements]) await connection.query(statement);
  await connection.end();
}

onEachEngine("Another program's broken references are left alone", async (t, { makeDatabase }) => {
  const project = new ProjectCopy(t);
  project.addMigration('0001_next', ['CREATE TABLE next (id int)'], ['DROP TABLE next']);
  project.addMigration('0002_orphans', ["DELETE FROM users WHERE id LIKE '1%'"], ['SELECT 1']);
  const url = await makeDatabase(t);
  await project.migrate(url, 'upgrade', '0000');
  await fillTables(url);
  await runUnchecked(url, [
    'CREATE TABLE orders (id int PRIMARY KEY)',
    'CREATE TABLE items (id int PRIMARY KEY, order_id int, FOREIGN KEY (order_id) REFERENCES orders (id))',
    'INSERT INTO items VALUES (1, 7)',
  ]);

  await t.test('Rollcall migrates in both directions, and starts', async (t) => {
    t.strictSame(await project.dbOutput(url, 'upgrade', '0001'), ['applied 0001_next']);
    t.strictSame(await project.dbOutput(url, 'downgrade', '-1'), ['took back 0001_next']);
    for (const each of ['sqlite', 'mysql'] as const) project.write(each, '0002_orphans.sql', 'SELECT 1');
    const environment = { DATABASE_URL: url, WORKERS: '1', AUTO_MIGRATE: 'true' };
    const server = await startServer(t, { folder: project.folder, environment });
    t.equal((await fetch(`${server.url}/readyz`)).status, 200);
    await server.stop();
    t.strictSame((await rowsOf(url)).items, [{ id: 1, order_id: 7 }]);
  });

  await t.test('Its own broken references are found beside them', async (t) => {
    await project.migrate(url, 'downgrade', '-1');
    for (const each of ['sqlite', 'mysql'] as const)
      project.write(each, '0002_orphans.sql', "DELETE FROM users WHERE id LIKE '1%'");
    const failed = await project.runDb(url, 'upgrade');
    t.match(failed, { code: 1, stderr: /1 rows of table memberships refer / });
    t.notMatch(failed.stderr, 'items');
  });
});
