/**
 * Several processes are one service: what one of them knows the others know at once, since only the database remembers,
 * and one that dies is replaced.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import { makeSecret } from '../config/secret.ts';
import { Caller, makeDatabaseWith, PASSWORD } from './support/api.ts';
import { onEachEngine } from './support/engines.ts';
import { isAlive, startServer, until } from './support/processes.ts';

onEachEngine('several processes', async (t, { makeDatabase }) => {
  const given = { DATABASE_URL: await makeDatabase(t), SECRET_KEY: makeSecret() };
  await makeDatabaseWith(given.DATABASE_URL, 'ann');
  const start = (t: Test, environment: Record<string, string>) =>
    startServer(t, { environment: { ...given, ...environment } });

  await t.test('on one database', async (t) => {
    const starting = [start(t, { WORKERS: '1' }), start(t, { WORKERS: '1' })];
    const [first, second] = await Promise.all(starting);
    if (!first || !second) throw new Error('two were started');
    const ann = new Caller();
    t.equal(await ann.signIn(first.url, 'ann'), 200);
    const cookie = ann.cookie;
    const known = async () => [
      await ann.status(first.url, '/api/users'),
      await ann.status(second.url, '/api/users'),
    ];

    await t.test('know who signed in at another', async (t) => t.same(await known(), [200, 200]));

    let url = second.url;
    await t.test('know them after a restart, too', async (t) => {
      t.equal((await second.stop()).code, 0);
      url = (await start(t, { WORKERS: '1' })).url;
      t.equal(await ann.status(url, '/api/users'), 200);

      const bob = await ann.request(url, '/api/users', {
        method: 'POST',
        body: { username: 'bob', password: PASSWORD },
      });
      t.equal(bob.status, 201);
      t.match(
        await ann.request(first.url, bob.headers.get('location') ?? ''),
        { status: 200 },
        'and what they made',
      );

      t.equal(await ann.status(url, '/api/sign/out', { method: 'POST' }), 204);
      ann.cookie = cookie;
      t.equal(
        await ann.status(first.url, '/api/users'),
        401,
        'who signs out at one is gone at the others at once',
      );
      t.equal(await ann.status(url, '/api/users'), 401);
    });
  });

  await t.test('as workers of one service', async (t) => {
    const before = performance.now();
    const server = await start(t, { WORKERS: '2', LOG_LEVEL: 'debug' });
    const startTime = performance.now() - before;
    const ann = new Caller();
    t.equal(await ann.signIn(server.url, 'ann'), 200);
    /** Who has answered since the log had so many lines. */
    const answered = (since: number) =>
      new Set(
        server
          .log()
          .slice(since)
          .filter(({ msg }) => msg === 'request completed')
          .map(({ pid }) => pid),
      );
    /** Asks until each worker has answered. @returns the statuses that came. */
    const askEach = async () => {
      const since = server.log().length;
      const statuses = new Set<number>();
      await until('each worker has answered', async () => {
        const burst = Array.from({ length: 24 }, () => ann.status(server.url, '/api/sign'));
        for (const status of await Promise.all(burst)) statuses.add(status);
        return answered(since).size === 2 ? true : undefined;
      });
      return [...statuses];
    };

    await t.test('each knows who signed in', async (t) => t.same(await askEach(), [200]));

    await t.test('one that is killed is replaced, while the other goes on', async (t) => {
      const [victim = 0, other] = server.serving();
      const begin = performance.now();
      process.kill(victim, 'SIGKILL');
      await server.logs('a worker died');
      let took: number | undefined;
      const replaced = server.logs('Server listening', 3).then(() => {
        took = performance.now() - begin;
      });
      const statuses = new Set<number>();
      while (took === undefined) {
        statuses.add(await ann.status(server.url, '/api/users'));
        await delay(20);
      }
      await replaced;
      t.same([...statuses], [200]);
      t.ok(took < startTime + 200, `it took ${took} ms, and starting the service ${startTime} ms`);
      t.match(
        server.log().filter(({ msg }) => msg.startsWith('a worker died')),
        [{ worker: victim, cause: 'SIGKILL', pause: 0 }],
      );
      t.equal(server.serving().length, 3);
      t.equal(server.serving()[1], other);
      t.same(await askEach(), [200], 'and the new one knows who signed in');
    });

    await t.test('one that keeps dying is replaced after growing pauses', async (t) => {
      for (const listened of [4, 5]) {
        process.kill(server.serving().at(-1) ?? 0, 'SIGKILL');
        await server.logs('Server listening', listened);
      }
      const deaths = server.log().filter(({ msg }) => msg.startsWith('a worker died'));
      t.same(
        deaths.map(({ pause }) => pause),
        [0, 200, 400],
      );
      t.same(await askEach(), [200]);
    });

    await t.test('who signs out is gone from each', async (t) => {
      const { cookie } = ann;
      t.equal(await ann.status(server.url, '/api/sign/out', { method: 'POST' }), 204);
      ann.cookie = cookie;
      t.same(await askEach(), [401]);
    });

    await t.test('all end with the first process, even by kill -9', async (t) => {
      const pids = server.serving();
      server.child.kill('SIGKILL');
      await until('all have ended', () => (pids.some(isAlive) ? undefined : true));
      t.equal(server.output.stderr, '');
    });
  });
});
