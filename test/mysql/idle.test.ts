/**
 * A server closes connections that were idle for long, eight hours by default. A night without a request, or a process
 * that was too busy to notice, must not cost the first requests of the morning; nor may a connection be used for ever.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import { block, inParallel, type OwnServer, onOwnServer, tally } from '../support/own-server.ts';
import { makeUser, signedIn, startService } from '../support/service.ts';

const POOL_SIZE = 6;
const IDLE = 5_000;
const FLAGS = ['--wait-timeout=2', '--interactive-timeout=2'];

onOwnServer('a server that closes connections after two seconds', FLAGS, async (t, server) => {
  // What takes long goes on beside the rest.
  const inConstantUse = useWithoutPause(t, server);

  const databaseUrl = await server.makeDatabase();
  const { app } = await startService(t, server.engine, { databaseUrl, settings: { POOL_SIZE, WORKERS: 1 } });
  await makeUser(app, 'ann', { admin: true });
  const client = await signedIn(app, 'ann');
  const ids: string[] = [];
  for (let n = 0; n < 20; n++) ids.push(await makeUser(app, `user-${n}`));
  const read = async (n: number) => (await client.request('GET', `/api/users/${ids[n % 20]}`)).statusCode;
  const write = async (n: number) =>
    (await client.request('PATCH', `/api/users/${ids[n % 20]}`, { name: `name ${n}` })).statusCode;
  const mixed = (n: number) => (n % 2 === 0 ? write(n) : read(n));

  const idleness: Record<string, () => Promise<void>> = {
    'while the process rests': () => delay(IDLE),
    'while the event loop is blocked': async () => {
      await inConstantUse;
      await inParallel(60, 20, read);
      block(IDLE);
    },
  };
  for (const [when, idle] of Object.entries(idleness)) {
    await t.test(`the next hundred requests succeed when it does so ${when}`, async (t) => {
      await inParallel(60, 20, read);
      t.equal((await server.connections(databaseUrl)).length, POOL_SIZE, 'all connections are open');
      await idle();
      // The event loop has not run since, if it was blocked: what goes first meets the closed connections.
      const first = await Promise.all(Array.from({ length: POOL_SIZE }, (_, n) => mixed(n)));
      const more = await inParallel(100 - POOL_SIZE, 5, mixed);
      t.strictSame(tally([...first, ...more]), { 200: 100 });
      t.ok(await server.hasAtMost(POOL_SIZE, databaseUrl));
    });
  }

  t.test('connections older than POOL_RECYCLE are replaced though they are in constant use', async (t) => {
    const { statuses, seen } = await inConstantUse;
    t.strictSame(tally(statuses), { 200: statuses.length });
    t.ok(seen.size >= 3, `${seen.size} connections took turns`);
    for (const { first, last } of seen.values()) t.ok(last - first < 1_500, 'none was used for long');
  });
});

/** Uses a pool whose connections live for a second. @returns what came of it, and when each connection was there. */
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
    const asked = Date.now();
    statuses.push((await client.request('PATCH', `/api/users/${id}`, { name: `${asked}` })).statusCode);
    for (const connection of await server.connections(databaseUrl)) {
      const { first } = seen.get(connection) ?? { first: asked };
      seen.set(connection, { first, last: asked });
    }
  }
  return { statuses, seen };
}
