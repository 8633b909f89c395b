/**
 * A database server that stands still accepts connections and never answers. Nobody may wait for it for ever, nothing
 * may be used up meanwhile, and when it goes on, so does the service.
 */
import type { Test } from 'tap';
import { createApp } from '../../app.ts';
import { HASTY, inParallel, onOwnServer, tally } from '../support/own-server.ts';
import { makeUser, quickHashing, signedIn, startService } from '../support/service.ts';

const POOL_SIZE = 4;
const REQUESTS = 5 * POOL_SIZE;
/** A request that has a connection waits for one statement; one that has none waits for a connection. In milliseconds. */
const BOUND = 20_000;
const BOUND_WITHOUT_CONNECTION = 8_000;

onOwnServer('a server that stands still', HASTY, async (t, server) => {
  async function setUp(t: Test) {
    const databaseUrl = await server.makeDatabase();
    const { app, settings } = await startService(t, server.engine, {
      databaseUrl,
      settings: { POOL_SIZE, WORKERS: 1 },
      hashing: quickHashing,
    });
    const id = await makeUser(app, 'ann', { admin: true });
    const client = await signedIn(app, 'ann');
    /** Reads, or every other time writes. */
    const request = async (n: number) => {
      const asked = Date.now();
      const change = n % 2 ? { name: `${n}` } : undefined;
      const response = await client.request(change ? 'PATCH' : 'GET', `/api/users/${id}`, change);
      const { detail = '' }: { detail?: string } = response.json();
      const retryAfter = response.headers['retry-after'];
      return { status: response.statusCode, detail, retryAfter, took: Date.now() - asked };
    };
    return { app, settings, databaseUrl, id, request };
  }
  const busy = await setUp(t);
  const leaving = await setUp(t);
  await inParallel(REQUESTS, POOL_SIZE, busy.request);
  t.equal((await server.connections(busy.databaseUrl)).length, POOL_SIZE, 'the pool is full before');

  await server.kill('SIGSTOP');
  const [answers, refusal, closing] = await Promise.all([
    inParallel(REQUESTS, REQUESTS, busy.request),
    timed(() => createApp({ settings: busy.settings, hashing: quickHashing })),
    timed(() => leaving.app.close()),
  ]);
  await server.kill('SIGCONT');

  t.test('gives every request 503, within bounds', async (t) => {
    t.strictSame(tally(answers.map(({ status }) => status)), { 503: REQUESTS });
    t.ok(answers.every(({ took }) => took < BOUND));
    t.ok(answers.every(({ retryAfter }) => retryAfter === '1'));
    t.ok(answers.every(({ detail }) => /nothing was changed/i.test(detail)));
  });

  t.test('keeps those waiting for a shorter time for whom there is no connection', async (t) => {
    const early = answers.filter(({ took }) => took < BOUND_WITHOUT_CONNECTION);
    t.ok(early.length >= REQUESTS - POOL_SIZE, `${early.length} of ${REQUESTS}`);
  });

  t.test('does not keep the service from saying that it can not start', async (t) => {
    t.match(refusal.error, /^The database can't serve at present: .*ETIMEDOUT\.$/);
    t.ok(refusal.took < BOUND_WITHOUT_CONNECTION);
  });

  t.test('does not keep the service from stopping', async (t) => {
    t.equal(closing.error, undefined);
    t.ok(closing.took < BOUND_WITHOUT_CONNECTION);
  });

  t.test('serves again when it goes on, on as many connections as before', async (t) => {
    const after = await inParallel(REQUESTS, REQUESTS, (n) => busy.request(2 * n));
    t.strictSame(tally(after.map(({ status }) => status)), { 200: REQUESTS });
    t.equal((await busy.request(1)).status, 200);
    t.equal(await server.useAll(busy.app, busy.databaseUrl, busy.id, POOL_SIZE), POOL_SIZE);
    t.ok(await server.hasAtMost(POOL_SIZE, busy.databaseUrl), 'those that were given up are gone');
  });
});

async function timed(work: () => Promise<unknown>) {
  const asked = Date.now();
  const error = await work().then(
    () => undefined,
    (thrown) => String(thrown.message),
  );
  return { error, took: Date.now() - asked };
}
