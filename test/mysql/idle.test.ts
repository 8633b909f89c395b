/**
 * A server closes connections that stay idle for long (eight hours by default). The first requests afterwards must still
 * succeed, and POOL_RECYCLE must limit the age of connections that are never idle.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import { block, inParallel, type OwnServer, onOwnServer, tally } from '../support/own-server.ts';
import { makeUser, signedIn, startService } from '../support/service.ts';

const POOL_SIZE = 6;
const IDLE = 5_000;
const FLAGS = ['--wait-timeout=2', '--interactive-timeout=2'];

onOwnServer('The service works when the server closes idle connections', FLAGS, async (t, server) => {
  // This takes seconds, so it runs beside the other tests.
  const constantUse = useWithoutPause(t, server);

  const databaseUrl = await server.makeDatabase();
  const { app } = await startService(t, server.engine, {
    databaseUrl,
    settings: { POOL_SIZE, WORKERS: 1 },
  });
  await makeUser(app, 'ann', { admin: true });
  const client = await signedIn(app, 'ann');
  const ids: string[] = [];
  for (let n = 0; n < 20; n++) ids.push(await makeUser(app, `user-${n}`));
  const read = async (n: number) => (await client.request('GET', `/api/users/${ids[n % 20]}`)).statusCode;
  const write = async (n: number) =>
    (await client.request('PATCH', `/api/users/${ids[n % 20]}`, { name: `name ${n}` })).statusCode;
  const mixed = (n: number) => (n % 2 === 0 ? write(n) : read(n));

  const waits: Record<string, () => Promise<void>> = {
    'while the process was idle': () => delay(IDLE),
    'while the event loop was blocked': async () => {
      await constantUse;
      await inParallel(60, 20, read);
      block(IDLE);
    },
  };
  for (const [when, idle] of Object.entries(waits)) {
    await t.test(`The next hundred requests succeed when connections closed ${when}`, async (t) => {
      await inParallel(60, 20, read);
      t.equal((await server.connections(databaseUrl)).length, POOL_SIZE, 'all connections are open');
      await idle();
      // After a blocked event loop, these requests are the first to see that the connections are closed.
      const first = await Promise.all(Array.from({ length: POOL_SIZE }, (_, n) => mixed(n)));
      const more = await inParallel(100 - POOL_SIZE, 5, mixed);
      t.strictSame(tally([...first, ...more]), { 200: 100 });
      t.ok(await server.hasAtMost(POOL_SIZE, databaseUrl));
    });
  }

  t.test('Busy connections older than POOL_RECYCLE are replaced', async (t) => {
    const { statuses, seen } = await constantUse;
    t.strictSame(tally(statuses), { 200: statuses.length });
    t.ok(seen.size >= 3, `at least 3 connections were used: ${seen.size}`);
    for (const { first, last } of seen.values())
      t.ok(last - first < 1_500, 'no connection was used for 1.5 seconds or more');
  });
});

/** Uses a pool with POOL_RECYCLE=1 without a pause. @returns the statuses, and when each connection was first and last seen. */
async function useWithoutPause(t: Test, server: OwnServer) {
  const databaseUrl = await server.makeDatabase();
  const { app } = await startService(t, server.engine, {
    databaseUrl,
    settings: { POOL_SIZE: 2, WORKERS: 1, POOL_RECYCLE: 1 },
  });
  const id = await makeUser(app, 'ann', { admin: true });
  const client = await signedIn(app, 'ann');
  const seen = new Map<number, { first: number; last: number }>();
  const statuses: number[] = [];
  for (const end = Date.now() + 3_000; Date.now() < end; await delay(20)) {
    const now = Date.now();
    statuses.push((await client.request('PATCH', `/api/users/${id}`, { name: `${now}` })).statusCode);
    for (const connection of await server.connections(databaseUrl)) {
      const { first } = seen.get(connection) ?? { first: now };
      seen.set(connection, { first, last: now });
    }
  }
  return { statuses, seen };
}
