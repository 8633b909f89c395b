/**
 * The metrics of a service with two workers: the sums are over both, also when one hangs or has ended, and each worker has its own values.
 * Those of one process are in test/plugins/metrics.test.ts.
 */
import { test } from 'tap';
import { metricsUrl, samplesOf, sumOf } from '../support/metrics.ts';
import { makeFolder, startServer } from '../support/processes.ts';
import { until } from '../support/running.ts';

const COUNT = 'rollcall_http_request_duration_seconds_count';

/** @returns the workers that have a value of that name. */
const workersIn = (text: string, wanted: string) =>
  samplesOf(text)
    .filter(({ name }) => name === wanted)
    .map(({ labels }) => labels.worker)
    .toSorted();

test('The metrics of a service with two workers', async (t) => {
  const environment = {
    WORKERS: '2',
    DATABASE_URL: `sqlite:${makeFolder(t)}/rollcall.db`,
    METRICS_PORT: '0',
  };
  const server = await startServer(t, { environment });
  // The report comes in one piece.
  const url = metricsUrl(server);
  const scrape = async () => (await fetch(url, { signal: AbortSignal.timeout(5_000) })).text();
  const counted = async () => sumOf(await scrape(), COUNT, { route: '/' }) ?? 0;
  const send = async (count: number) => {
    for (let sent = 0; sent < count; sent++)
      await (await fetch(server.url, { headers: { connection: 'close' } })).text();
  };

  await t.test('They are the sums over the workers, and the values of each', async (t) => {
    await send(20);
    const text = await scrape();
    t.equal(sumOf(text, COUNT, { route: '/' }), 20);
    t.same(workersIn(text, 'process_resident_memory_bytes'), ['1', '2', 'maintainer', 'primary']);
    t.same(workersIn(text, 'rollcall_worker_up'), ['1', '2']);
    t.equal(sumOf(text, 'rollcall_workers', { state: 'ready' }), 2);
  });

  await t.test('They are told in time while a worker hangs, without a sum that falls', async (t) => {
    const [first = 0] = server.serving();
    process.kill(first, 'SIGSTOP');
    const text = await scrape();
    process.kill(first, 'SIGCONT');
    t.equal(sumOf(text, COUNT, { route: '/' }), 20);
    const up = samplesOf(text).filter(({ name }) => name === 'rollcall_worker_up');
    t.same(up.map(({ value }) => value).toSorted(), [0, 1]);
    t.equal(
      samplesOf(text).filter(({ name }) => name === 'process_open_fds').length,
      3,
      'what it told is old',
    );
    t.equal(sumOf(await scrape(), 'rollcall_worker_up'), 2);
  });

  await t.test('A worker that is killed takes nothing from a sum that was told', async (t) => {
    process.kill(server.serving()[0] ?? 0, 'SIGKILL');
    await server.logs('Server listening', 3);
    t.equal(await counted(), 20);
    await send(10);
    const text = await until('the primary knows', async () => {
      const text = await scrape();
      return sumOf(text, 'rollcall_workers', { state: 'ready' }) === 2 ? text : undefined;
    });
    t.equal(sumOf(text, COUNT, { route: '/' }), 30);
    t.equal(sumOf(text, 'rollcall_worker_restarts_total'), 1);
  });

  await t.test('A reload takes nothing at all from the sums', async (t) => {
    await send(10);
    server.child.kill('SIGHUP');
    await server.logs('the reload succeeded');
    const text = await scrape();
    t.equal(sumOf(text, COUNT, { route: '/' }), 40);
    t.equal(sumOf(text, 'rollcall_reloads_total', { outcome: 'succeeded' }), 1);
    t.same(workersIn(text, 'process_open_fds'), ['1', '2', 'maintainer', 'primary']);
  });

  t.notOk(
    server.log().some((line) => JSON.stringify(line).includes('metrics')),
    'a scrape is not logged',
  );
  t.equal((await server.stop()).code, 0);
  t.equal(server.output.stderr, '');
});
