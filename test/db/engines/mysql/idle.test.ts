/**
 * A server closes connections that stay idle for long (eight hours by default). The first requests afterwards must still
 * succeed, and POOL_RECYCLE must limit the age of connections that are never idle.
 */
import type { Test } from 'tap';
import { block, inParallel, onOwnServer } from '../../../support/own-server.ts';
import { until } from '../../../support/running.ts';
import { makeUser, quickHashing, signedIn, startService } from '../../../support/service.ts';
import { tally } from '../../../support/tally.ts';
import type { OwnServer } from '../../../support/test-server.ts';

const POOL_SIZE = 6;
/** How long the event loop is blocked, in milliseconds: longer than the server's timeout, and the server closes late. */
const BLOCKED = 5_000;
const FLAGS = ['--wait-timeout=2', '--interactive-timeout=2'];

onOwnServer('The service works when the server closes idle connections', FLAGS, async (t, server) => {
  // This takes seconds, so it runs beside the other tests.
  const constantUse = useWithoutPause(t, server);

  const databaseUrl = await server.makeDatabase();
  const { app } = await startService(t, server.engine, {
    databaseUrl,
    settings: { POOL_SIZE, WORKERS: 1 },
    hashing: quickHashing,
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
    'while the process was idle': async () => {
      await server.hasAtMost(0, databaseUrl);
      await constantUse;
    },
    'while the event loop was blocked': async () => {
      // Time itself is tested: while the event loop is blocked, this process can't see that the server has closed them.
      block(BLOCKED);
    },
  };
  for (const [when, idle] of Object.entries(waits)) {
    await t.test(`The next hundred requests succeed when connections closed ${when}`, async (t) => {
      await inParallel(60, 20, read);
      const before = await server.connections(databaseUrl);
      t.equal(before.length, POOL_SIZE, 'all connections are open');
      await idle();
      // After a blocked event loop, these requests are the first to see that the connections are closed.
      const first = await Promise.all(Array.from({ length: POOL_SIZE }, (_, n) => mixed(n)));
      const more = await inParallel(100 - POOL_SIZE, 5, mixed);
      t.strictSame(tally([...first, ...more]), { 200: 100 });
      t.ok(await server.hasAtMost(POOL_SIZE, databaseUrl));
      const kept = (await server.connections(databaseUrl)).filter((id) => before.includes(id));
      t.strictSame(kept, [], 'the server had closed every connection');
    });
  }

  t.test('Busy connections older than POOL_RECYCLE are replaced', async (t) => {
    const statuses = await constantUse;
    t.strictSame(tally(statuses), { 200: statuses.length });
  });
});

/** Uses a pool of one connection with POOL_RECYCLE=1 until it has been replaced twice. @returns the statuses. */
async function useWithoutPause(t: Test, server: OwnServer) {
  const databaseUrl = await server.makeDatabase();
  const { app } = await startService(t, server.engine, {
    databaseUrl,
    settings: { POOL_SIZE: 1, WORKERS: 1, POOL_RECYCLE: 1 },
    hashing: quickHashing,
  });
  const id = await makeUser(app, 'ann', { admin: true });
  const client = await signedIn(app, 'ann');
  const seen = new Set<number>();
  const statuses: number[] = [];
  await until('three connections were used, one after the other', async () => {
    const name = `name ${statuses.length}`;
    statuses.push((await client.request('PATCH', `/api/users/${id}`, { name })).statusCode);
    for (const connection of await server.connections(databaseUrl)) seen.add(connection);
    return seen.size >= 3 || undefined;
  });
  return statuses;
}
