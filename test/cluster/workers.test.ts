/**
 * The processes of one service: one that dies is replaced, and none outlives the first process. That all workers know what one
 * of them knows is shown in routes/sign/processes.test.ts.
 */
import { makeSecret } from '../../config/secret.ts';
import { Caller, makeDatabaseWith } from '../support/api.ts';
import { query } from '../support/database-content.ts';
import { onEachEngine } from '../support/engines.ts';
import { residentMemory } from '../support/memory.ts';
import { manage, startServer } from '../support/processes.ts';
import { isAlive, until } from '../support/running.ts';
import { askBothWorkers } from '../support/workers.ts';

onEachEngine('the processes of a service', async (t, { makeDatabase }) => {
  const DATABASE_URL = await makeDatabase(t);
  await makeDatabaseWith(DATABASE_URL, 'ann');
  const environment = { DATABASE_URL, SECRET_KEY: makeSecret(), WORKERS: '2', LOG_LEVEL: 'debug' };
  // The first start compiles the code, which takes more memory; later ones find it kept.
  await (await startServer(t, { environment })).stop();
  const expire = (name: string) =>
    query(DATABASE_URL, `INSERT INTO attempts (\`key\`, failures, expires_at) VALUES ('${name}', 0, 1)`);
  await expire('before the start');
  const server = await startServer(t, { environment });
  await server.logs('Server listening', 2);
  const atStart = process.platform === 'linux' ? server.serving().map(residentMemory) : [];
  const ann = new Caller();
  t.equal(await ann.signIn(server.url, 'ann'), 200);
  const askEach = () => askBothWorkers(server, ann);

  // Counting what is covered takes memory of its own.
  const skip = process.env.NODE_V8_COVERAGE !== undefined;
  await t.test('each holds less than 130 MB when it begins to serve', { skip }, async (t) => {
    if (process.platform === 'linux') t.equal(atStart.length, 2);
    for (const megabytes of atStart) t.ok(megabytes < 130, `${megabytes} MB`);
  });

  await t.test('one that is killed is replaced, while the other goes on', async (t) => {
    const [victim = 0, other] = server.serving();
    process.kill(victim, 'SIGKILL');
    await server.logs('a worker died');
    const statuses = new Set<number>();
    await until('a third worker listens', async () => {
      statuses.add(await ann.status(server.url, '/api/users'));
      return server.serving().length === 3 || undefined;
    });
    t.same([...statuses], [200]);
    t.match(
      server.log().filter(({ msg }) => msg.startsWith('a worker died')),
      [{ worker: victim, cause: 'SIGKILL' }],
    );
    t.equal(server.serving()[1], other);
    t.same(await askEach(), [200], 'and the new one knows who signed in');
  });

  await t.test('one that was ready is replaced at once, also when the one before died as well', async (t) => {
    await until('both workers are ready', async () => {
      const { stdout } = await manage(['status', '--json'], {
        environment: { ...environment, PORT: server.port },
      });
      return stdout.match(/"state":"ready"/g)?.length === 2 || undefined;
    });
    process.kill(server.serving().at(-1) ?? 0, 'SIGKILL');
    await server.logs('Server listening', 4);
    t.equal((await server.logs('a worker died', 2)).length, 2);
    t.same(
      server.log().filter(({ msg }) => msg === 'a worker could not start'),
      [],
    );
    t.same(await askEach(), [200]);
  });

  await t.test('the maintainer is replaced when it is killed, while the workers go on', async (t) => {
    const before = server.serving();
    const [purged] = await server.logs('expired rows were purged');
    await expire('before the kill');
    process.kill(purged?.pid ?? 0, 'SIGKILL');
    t.match(await server.logs('the maintainer died'), [{ process: purged?.pid, cause: 'SIGKILL' }]);
    const [, purgedAgain] = await server.logs('expired rows were purged', 2);
    t.not(purgedAgain?.pid, purged?.pid);
    t.same(server.serving(), before);
    t.same(await askEach(), [200]);
  });

  await t.test('they go on when a newer version has migrated the database, and a reload fails', async (t) => {
    const ready = async () => (await fetch(`${server.url}/readyz`)).status;
    const before = server.serving();
    await query(
      DATABASE_URL,
      "INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('x', 99999999999999)",
    );
    t.equal(await ready(), 200);
    process.kill(server.pid, 'SIGHUP');
    const reason = /ahead of the code: it has a migration that this version does not know/;
    t.match(await server.logs('the reload failed'), [{ level: 50, replaced: 0, reason }]);
    t.same(server.serving(), before);
    t.same(await askEach(), [200]);
    await query(DATABASE_URL, 'DELETE FROM __drizzle_migrations WHERE created_at <> 99999999999999');
    t.equal(await ready(), 503, 'without a migration of their own, they are not ready');
  });

  await t.test('all end with the first process, even by kill -9', async (t) => {
    const pids = server
      .log()
      .map(({ pid }) => pid)
      .filter((pid) => pid !== server.pid);
    server.child.kill('SIGKILL');
    await until('all have ended', () => (pids.some(isAlive) ? undefined : true));
    t.equal(server.output.stderr, '');
  });
});
