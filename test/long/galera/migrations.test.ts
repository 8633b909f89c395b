/** Migrations on a Galera cluster, where GET_LOCK and locks of tables hold on one node only. */
import { join } from 'node:path';
import { readMigrations } from '../../../db/migrate/migrations.ts';
import { commandsOn, succeeds } from '../../support/commands.ts';
import { fillTables, query, rowsOf, schemaOf } from '../../support/database-content.ts';
import { MigrationWalk, ProjectCopy } from '../../support/migrations.ts';
import { onCluster } from '../../support/on-cluster.ts';
import { makeFolder, manage } from '../../support/processes.ts';
import { Running, until } from '../../support/running.ts';

/** Changes a table for longer than a migrator's lock lasts that nobody renews, on a machine that has nothing else to do. */
const LONG_CHANGE =
  "ALTER TABLE ran ADD CONSTRAINT long_change CHECK (sha2(repeat(name, 700000), 512) <> '')";
const NOTHING = 'Nothing to do: the database is there already, or beyond it.';

onCluster('Migrations on a cluster', async (t, cluster) => {
  for (const node of cluster.nodes) await node.waitsForOthers();
  const databases = async () => {
    const url = await cluster.engine.makeDatabase(t);
    return [url, cluster.through(url, 1), cluster.through(url, 2)] as const;
  };

  await t.test(
    'Migrators by three nodes at once run each migration once, however long it takes',
    async (t) => {
      const project = new ProjectCopy(t);
      project.addMigration(
        '0001_ran',
        ['CREATE TABLE ran (id char(36) PRIMARY KEY, name varchar(20))'],
        ['DROP TABLE ran'],
      );
      const names = ['0002_a', '0003_b', '0004_long', '0005_c'];
      for (const name of names)
        project.addMigration(
          name,
          [
            `INSERT INTO ran VALUES (UUID(), '${name}')`,
            ...(name.endsWith('long')
              ? ["INSERT INTO ran SELECT UUID(), 'filler' FROM seq_1_to_300", 'SELECT SLEEP(12)', LONG_CHANGE]
              : []),
          ],
          ['SELECT 1'],
        );
      const urls = await databases();
      const applied = ['0000_first', '0001_ran', ...names].map((name) => `applied ${name}`);
      const outputs = await Promise.all(urls.map((url) => project.dbOutput(url, 'upgrade')));
      t.strictSame(outputs.flat().sort(), [NOTHING, NOTHING, ...applied].sort());
      for (const url of urls) {
        const ran = await query(url, "SELECT name FROM ran WHERE name <> 'filler' ORDER BY name");
        t.strictSame(
          ran.map(({ name }) => name),
          names,
        );
      }
    },
  );

  await t.test('The lock of a migrator that was killed is free after some seconds', async (t) => {
    const project = new ProjectCopy(t);
    project.addMigration('0001_endless', ['SELECT SLEEP(600)'], ['SELECT 1']);
    const [url, elsewhere] = await databases();
    const migrator = new Running(
      project.folder,
      process.execPath,
      ['manage.ts', 'db', 'upgrade'],
      { DATABASE_URL: url },
      'ignore',
    );
    t.teardown(() => migrator.kill());
    await until('the migrator is at work', async () => {
      const { stdout } = await project.runDb(elsewhere, 'current');
      return /another process is migrating/i.test(stdout) || undefined;
    });
    migrator.kill();
    await migrator.exit;
    t.match(await project.runDb(elsewhere, 'upgrade', '--unfinished', 'skip'), { code: 0, stderr: '' });
    t.match(await project.runDb(url, 'current'), { code: 0, stdout: /0001_endless/ });
  });

  await t.test('A backup that was made by one node is restored by another one', async (t) => {
    const [url, elsewhere] = await databases();
    const file = join(makeFolder(t), 'copy');
    const [here, there] = [commandsOn(url), commandsOn(elsewhere)];
    succeeds(t, await here(['db', 'upgrade']));
    await fillTables(url);
    const { users, memberships } = await rowsOf(url);
    succeeds(t, await here(['db', 'backup', file]));
    await query(url, 'DELETE FROM memberships');
    succeeds(t, await there(['db', 'restore', file, '--tokens', 'keep']));
    const after = await rowsOf(url);
    t.strictSame([after.users, after.memberships, after.sessions], [users, memberships, []]);
  });

  await t.test(
    'Each migration goes down and up by other nodes, and a node that was away comes back with what it missed',
    async (t) => {
      const urls = await databases();
      const third = cluster.nodes[2];
      const names = readMigrations('mysql').map(({ name }) => name);
      await third.kill('SIGKILL');
      let turn = 0;
      const walk = new MigrationWalk(t, urls[0], async (direction, target) => {
        const url = urls[turn++ % 2];
        const command = ['db', direction, target, ...(direction === 'downgrade' ? ['--yes'] : [])];
        const { code, stderr } = await manage(command, { environment: { DATABASE_URL: url ?? '' } });
        t.equal(code, 0, stderr);
      });
      for (const name of names) await walk.to('upgrade', name);
      for (const name of names.slice(0, -1).toReversed()) await walk.to('downgrade', name);
      for (const name of names.slice(1)) await walk.to('upgrade', name);
      await third.start();
      await third.waitsForOthers();
      const [one, two, three] = await Promise.all(urls.map(schemaOf));
      t.strictSame(two, one);
      t.strictSame(three, one);
      const withoutKey = await query(
        urls[0],
        `SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME NOT IN
         (SELECT TABLE_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND INDEX_NAME = 'PRIMARY')`,
      );
      t.strictSame(withoutKey, [], 'each table has the primary key that Galera needs');
      const { code, stdout, stderr } = await manage(['db', 'current'], {
        environment: { DATABASE_URL: urls[2] },
      });
      t.equal(code, 0, stderr);
      t.match(stdout, names.at(-1));
    },
  );
});
