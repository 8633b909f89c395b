/**
 * A frozen database server accepts connections but never answers. Requests must fail within bounds, the pool must not
 * run out, and the service must recover when the server continues.
 */
import type { Test } from 'tap';
import { createApp } from '../../../../app.ts';
import { FAST_FLAGS, inParallel, onOwnServer } from '../../../support/own-server.ts';
import { makeUser, quickHashing, signedIn, startService } from '../../../support/service.ts';
import { tally } from '../../../support/tally.ts';

const POOL_SIZE = 4;
const REQUESTS = 5 * POOL_SIZE;
/** The longest wait for an answer, in milliseconds. */
const BOUND = 8_000;

onOwnServer('The service survives a frozen database server', FAST_FLAGS, async (t, server) => {
  async function setUp(t: Test) {
    const databaseUrl = await server.makeDatabase();
    const { app, settings } = await startService(t, server.engine, {
      databaseUrl,
      settings: { POOL_SIZE, WORKERS: 1 },
      hashing: quickHashing,
    });
    const id = await makeUser(app, 'ann', { admin: true });
    const client = await signedIn(app, 'ann');
    /** Sends a PATCH when n is odd, else a GET. */
    const request = async (n: number) => {
      const started = Date.now();
      const change = n % 2 ? { name: `${n}` } : undefined;
      const response = await client.request(change ? 'PATCH' : 'GET', `/api/users/${id}`, change);
      const { detail = '' }: { detail?: string } = response.json();
      const retryAfter = response.headers['retry-after'];
      return { status: response.statusCode, detail, retryAfter, took: Date.now() - started };
    };
    return { app, settings, databaseUrl, id, request };
  }
  const loaded = await setUp(t);
  const stopping = await setUp(t);
  await inParallel(REQUESTS, POOL_SIZE, loaded.request);
  t.equal(
    (await server.connections(loaded.databaseUrl)).length,
    POOL_SIZE,
    'every connection of the pool is open before the server freezes',
  );

  await server.kill('SIGSTOP');
  const [answers, refusal, closing] = await Promise.all([
    inParallel(REQUESTS, REQUESTS, loaded.request),
    timed(() => createApp({ settings: loaded.settings, hashing: quickHashing })),
    timed(() => stopping.app.close()),
  ]);
  await server.kill('SIGCONT');

  t.test('Every request gets 503 within 8 seconds while the server is frozen', async (t) => {
    t.strictSame(tally(answers.map(({ status }) => status)), { 503: REQUESTS });
    t.ok(answers.every(({ took }) => took < BOUND));
    t.ok(answers.every(({ retryAfter }) => retryAfter === '1'));
    t.ok(answers.every(({ detail }) => /nothing was changed/i.test(detail)));
  });

  t.test('A starting service reports within 8 seconds that the database does not answer', async (t) => {
    t.match(refusal.error, /^The database can't serve at present: .*ETIMEDOUT\.$/);
    t.ok(refusal.took < BOUND);
  });

  t.test('A service stops within 8 seconds while the server is frozen', async (t) => {
    t.equal(closing.error, undefined);
    t.ok(closing.took < BOUND);
  });

  t.test('The service recovers with its whole pool when the server continues', async (t) => {
    const after = await inParallel(REQUESTS, REQUESTS, (n) => loaded.request(2 * n));
    t.strictSame(tally(after.map(({ status }) => status)), { 200: REQUESTS });
    t.equal((await loaded.request(1)).status, 200);
    t.equal(await server.useWholePool(loaded.app, loaded.databaseUrl, loaded.id, POOL_SIZE), POOL_SIZE);
    t.ok(await server.hasAtMost(POOL_SIZE, loaded.databaseUrl), 'abandoned connections are closed');
  });
});

async function timed(work: () => Promise<unknown>) {
  const started = Date.now();
  const error = await work().then(
    () => undefined,
    (thrown) => String(thrown.message),
  );
  return { error, took: Date.now() - started };
}
