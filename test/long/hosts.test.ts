/** Two hosts on a primary and its replica, under a load that checks each answer: the primary is killed, and the replica takes its place. */
import { makeSecret } from '../../config/secret.ts';
import { Load } from '../support/load/index.ts';
import { onOwnServer } from '../support/own-server.ts';
import { startServer } from '../support/processes.ts';
import { follow, promote, replicationFlags } from '../support/replication.ts';
import { databaseName, OwnServer } from '../support/test-server.ts';

/** The longest that the death of a server may hold up a request, in milliseconds. */
const BOUND = 5_000;
const REQUESTS = 500;

onOwnServer('Two hosts survive the death of the primary', replicationFlags(1), async (t, first) => {
  const second = new OwnServer(replicationFlags(2));
  t.teardown(() => second.remove());
  await second.start();
  await follow(second, first);
  for (const host of ["'127.0.0.1'", 'localhost']) {
    await first.query(`CREATE USER clerk@${host}`);
    await first.query(`GRANT ALL ON \`rollcall%\`.* TO clerk@${host}`);
  }
  const database = databaseName(await first.makeDatabase());
  const urlOf = (...servers: OwnServer[]) =>
    `mysql://clerk@${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${database}`;
  const environment = { WORKERS: '2', AUTO_MIGRATE: 'true', SECRET_KEY: makeSecret() };
  const hosts = await Promise.all(
    [urlOf(first, second), urlOf(second, first)].map((DATABASE_URL) =>
      startServer(t, { environment: { ...environment, DATABASE_URL } }),
    ),
  );
  const urls = hosts.map(({ url }) => url);

  for (const [dying, heir] of [
    [first, second],
    [second, first],
  ] as const)
    await t.test('No acknowledged write is lost, and each host answers within five seconds', async (t) => {
      const load = await Load.start({ urls, databaseUrl: urlOf(dying), clients: 16, bound: BOUND });
      await load.answered(REQUESTS);
      await dying.kill('SIGKILL');
      await promote(heir);
      await load.answered(REQUESTS);
      // As operators are told: a former primary takes no writes until they say so. It gives up what no replica had received.
      await dying.start(['--read-only', '--init-rpl-role=SLAVE']);
      await follow(dying, heir);
      await load.answered(REQUESTS);
      const faults = await load.stop();
      t.comment(
        `${load.successes} answers, ${JSON.stringify(load.kinds)}, slowest ${load.slowest}, gap ${load.longestGap}`,
      );
      t.strictSame(faults, []);
      t.strictSame(
        Object.keys(load.kinds).filter((kind) => kind !== '503 with Retry-After'),
        [],
      );
      t.ok(load.longestGap < BOUND, `no answer for ${load.longestGap} ms`);
    });
});
