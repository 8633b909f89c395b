/**
 * The workers of one service: one that dies is replaced, and none outlives the first process. That all of them know what one
 * of them knows is shown in routes/sign/processes.test.ts.
 */
import { makeSecret } from '../../config/secret.ts';
import { Caller, makeDatabaseWith } from '../support/api.ts';
import { onEachEngine } from '../support/engines.ts';
import { residentMemory } from '../support/memory.ts';
import { startServer } from '../support/processes.ts';
import { isAlive, until } from '../support/running.ts';
import { askBothWorkers } from '../support/workers.ts';

onEachEngine('the workers of a service', async (t, { makeDatabase }) => {
  const DATABASE_URL = await makeDatabase(t);
  await makeDatabaseWith(DATABASE_URL, 'ann');
  const environment = { DATABASE_URL, SECRET_KEY: makeSecret(), WORKERS: '2', LOG_LEVEL: 'debug' };
  // The first start compiles the code, which takes more memory; later ones find it kept.
  await (await startServer(t, { environment })).stop();
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

  await t.test('one that was ready is replaced at once, however often it dies', async (t) => {
    for (const listened of [4, 5, 6]) {
      process.kill(server.serving().at(-1) ?? 0, 'SIGKILL');
      await server.logs('Server listening', listened);
    }
    const deaths = await server.logs('a worker died', 4);
    t.same(
      server.log().filter(({ msg }) => msg === 'a worker could not start'),
      [],
    );
    t.equal(deaths.length, 4);
    t.same(await askEach(), [200]);
  });

  await t.test('all end with the first process, even by kill -9', async (t) => {
    const pids = server.serving();
    server.child.kill('SIGKILL');
    await until('all have ended', () => (pids.some(isAlive) ? undefined : true));
    t.equal(server.output.stderr, '');
  });
});
