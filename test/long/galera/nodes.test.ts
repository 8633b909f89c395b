/** A node of a Galera cluster that dies under load, one that comes back, and a cluster that has no majority. */
import type { Test } from 'tap';
import { makeSecret } from '../../../config/secret.ts';
import { makeDatabaseWith } from '../../support/api.ts';
import { query } from '../../support/database-content.ts';
import type { GaleraCluster } from '../../support/galera.ts';
import { Load } from '../../support/load/index.ts';
import { onCluster } from '../../support/on-cluster.ts';
import { manage, startServer } from '../../support/processes.ts';
import { until } from '../../support/running.ts';

/** How many right answers show that all is well. */
const SOME = 300;
/** In milliseconds. */
const LONGEST_GAP = 5_000;

/** Starts a service that knows all nodes, and clients. @returns the clients, whose writes are looked up on the third node. */
async function startLoad(t: Test, cluster: GaleraCluster) {
  await cluster.nodes[2].waitsForOthers();
  const databaseUrl = await cluster.engine.makeDatabase(t);
  await makeDatabaseWith(databaseUrl, 'operator');
  const environment = {
    DATABASE_URL: cluster.throughAll(databaseUrl),
    SECRET_KEY: makeSecret(),
    WORKERS: '2',
    LOG_LEVEL: 'warn',
  };
  const { url } = await startServer(t, { environment });
  const load = await Load.start({ urls: [url], databaseUrl: cluster.through(databaseUrl, 2) });
  await load.answered(SOME);
  t.same(load.kinds, {}, 'without a fault there is no failure');
  return { load, databaseUrl };
}

/** Asserts that no failure but 503 came, and nothing was lost. */
async function endLoad(
  t: Test,
  cluster: GaleraCluster,
  { load, databaseUrl }: Awaited<ReturnType<typeof startLoad>>,
) {
  t.same(await load.stop(), [], 'each acknowledged write is there, once');
  t.comment(
    `${load.successes} right answers, ${load.writes} writes; longest gap ${Math.round(load.longestGap)} ms`,
  );
  t.comment(JSON.stringify(load.kinds));
  const { '503 with Retry-After': _refused, ...others } = load.kinds;
  t.same(others, {}, String(load.failures.find(({ kind }) => kind in others)));
  const count = async (index: 0 | 1 | 2) => {
    const [row] = await query(cluster.through(databaseUrl, index), 'SELECT COUNT(*) AS entries FROM audit');
    return Number(row?.entries);
  };
  const last = await count(2);
  for (const index of [0, 1] as const)
    await until(`node ${index} has all entries`, async () => (await count(index)) === last || undefined);
}

onCluster('The nodes of a cluster under load', async (t, cluster) => {
  const [first, second, third] = cluster.nodes;

  await t.test('"manage doctor" tells how many nodes there are, and that some lack', async (t) => {
    const environment = { DATABASE_URL: cluster.throughAll(await cluster.engine.makeDatabase(t)) };
    const { stdout } = await manage(['doctor'], { environment });
    t.match(stdout, new RegExp(`:${third.port} is in a Galera cluster of 3, Synced`));
    const { host } = new URL(second.url);
    const more = { DATABASE_URL: environment.DATABASE_URL.replace(host, `${host},127.0.0.1:1`) };
    const lacking = await manage(['doctor'], { environment: more });
    t.match(lacking.stdout, new RegExp(`:${third.port} is in a Galera cluster of 3, and .* names 4 servers`));
  });

  await t.test('A node that is killed is left within five seconds, and comes back', async (t) => {
    const loaded = await startLoad(t, cluster);
    const { load } = loaded;
    await first.kill('SIGKILL');
    await load.answered(SOME);
    t.ok(load.longestGap < LONGEST_GAP, `the longest gap was ${load.longestGap} ms`);
    await first.start();
    await load.answered(SOME);
    // The first node has taken its place again, for this one.
    await second.kill('SIGKILL');
    await load.answered(SOME);
    await second.start();
    await load.answered(SOME);
    await endLoad(t, cluster, loaded);
  });

  await t.test('A node that hangs is left within five seconds, and comes back', async (t) => {
    const loaded = await startLoad(t, cluster);
    const { load } = loaded;
    await first.kill('SIGSTOP');
    await load.answered(SOME);
    t.ok(load.longestGap < LONGEST_GAP, `the longest gap was ${load.longestGap} ms`);
    await first.kill('SIGCONT');
    for (const node of cluster.nodes) await node.seesNodes(3);
    await load.answered(SOME);
    await endLoad(t, cluster, loaded);
  });

  await t.test(
    'Without a majority the service answers 503, and goes on when there is one again',
    async (t) => {
      const loaded = await startLoad(t, cluster);
      const { load } = loaded;
      await Promise.all([second.kill('SIGSTOP'), third.kill('SIGSTOP')]);
      const refused = load.failures.length;
      await until('clients are refused', () => load.failures.length > refused + 20 || undefined);
      await Promise.all([second.kill('SIGCONT'), third.kill('SIGCONT')]);
      await load.answered(SOME);
      for (const node of cluster.nodes) await node.seesNodes(3);
      await load.answered(SOME);
      await endLoad(t, cluster, loaded);
    },
  );
});
