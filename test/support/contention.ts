/**
 * Several workers write the same rows at the same time, so MySQL rolls back one side of each deadlock. No write may be
 * lost by that, and clients should not notice it.
 */
import { randomUUIDv7 } from 'node:crypto';
import mysql from 'mysql2/promise';
import type { Test } from 'tap';
import { loadSettings } from '../../config/load.ts';
import { openEngine } from '../../db/database.ts';
import { sql } from '../../db/drizzle.ts';
import { equals } from '../../db/schema/column-types.ts';
import { inParallel } from './own-server.ts';
import { until } from './running.ts';
import { makeUser, quickHashing, signedIn, startService } from './service.ts';
import { tally } from './tally.ts';
import type { OwnServer } from './test-server.ts';

interface Counts {
  /** How many writes each of the low-level tests makes. */
  times: number;
  /** How many requests each of the others sends. */
  requests: number;
}

/** How many requests each worker serves at a time. */
const WIDTH = 4;

export async function contend(t: Test, server: OwnServer, { times, requests }: Counts): Promise<void> {
  const databaseUrl = await server.makeDatabase();
  const settings = { POOL_SIZE: 8, WORKERS: 1 };
  const first = await startService(t, server.engine, { databaseUrl, settings, hashing: quickHashing });
  const second = await startService(t, server.engine, {
    databaseUrl,
    settings: { ...settings, SECRET_KEY: first.settings.SECRET_KEY },
    hashing: quickHashing,
  });
  const apps = [first.app, second.app];
  const [db] = [first.app.db];
  await makeUser(first.app, 'admin', { admin: true });
  const clients = await Promise.all(apps.map((app) => signedIn(app, 'admin')));

  /** Divides `count` runs of `work` between both workers; each worker runs several at a time. */
  async function both<Result>(count: number, work: (worker: number, n: number) => Promise<Result>) {
    const halves = await Promise.all(
      apps.map((_, worker) => inParallel(count / 2, WIDTH, (n) => work(worker, n))),
    );
    return halves.flat();
  }
  const request = async (worker: number, method: 'PATCH' | 'PUT' | 'DELETE', url: string, body?: object) =>
    (await clients[worker]?.request(method, url, body))?.statusCode ?? 0;

  // The request that waits for a lock takes long, so it runs beside the other tests.
  const fay = await makeUser(first.app, 'fay');
  const lockHolder = await mysql.createConnection(databaseUrl);
  t.teardown(() => lockHolder.destroy());
  const lockFay = async () => {
    await lockHolder.query('START TRANSACTION');
    await lockHolder.query(`SELECT id FROM users WHERE id = '${fay}' FOR UPDATE`);
  };
  await lockFay();
  const started = Date.now();
  const blockedRequest = clients[0]
    ?.request('PATCH', `/api/users/${fay}`, { name: 'Fay' })
    .then((response) => {
      return { status: response.statusCode, detail: response.json().detail, took: Date.now() - started };
    });

  await t.test(`${requests} PATCH requests to the same two users lose no change`, async (t) => {
    const ids = [await makeUser(first.app, 'ann'), await makeUser(first.app, 'bob')];
    const statuses = await both(requests, (worker, n) =>
      request(worker, 'PATCH', `/api/users/${ids[n % 2]}`, { name: `${worker} ${n}` }),
    );
    const counts = tally(statuses);
    const { 200: changed = 0, 409: refused = 0 } = counts;
    t.equal(changed + refused, requests, `every answer is 200 or 409: ${JSON.stringify(counts)}`);
    t.ok(changed > requests / 2, 'more than half succeed; 409 stays the exception');
    const versions = await Promise.all(ids.map(async (id) => (await db.users.find(id))?.version ?? 0));
    t.equal(
      versions.reduce((sum, version) => sum + version - 1, 0),
      changed,
    );
  });

  await t.test('PUT and DELETE of the same members leave each one either present or absent', async (t) => {
    const groupId = randomUUIDv7();
    const group = { id: groupId, name: 'team', title: '', permissions: ['users:write'] };
    await db.atomically(db.groups.add(group, Date.now()));
    const ids = [await makeUser(first.app, 'cat'), await makeUser(first.app, 'dan')];
    const member = (n: number) => `/api/groups/${groupId}/members/${ids[n % 2]}`;
    const statuses = await both(requests, (worker, n) =>
      (n + worker) % 3 === 0
        ? request(worker, 'DELETE', member(n))
        : request(worker, 'PUT', member(n), { role: n % 5 ? 'member' : 'manager' }),
    );
    // 404: the other worker removed the member before this one read it back.
    const { 200: put = 0, 204: removed = 0, 404: absent = 0 } = tally(statuses);
    t.equal(put + removed + absent, requests, JSON.stringify(tally(statuses)));
    t.strictSame(
      await both(4, (worker, n) => request(worker, 'PUT', member(n), { role: 'member' })),
      [200, 200, 200, 200],
    );
    t.equal((await db.memberships.page(groupId, '', '', 9))?.members.length, 2);
  });

  await t.test('Sessions can be touched while other sessions of the user start and end', async (t) => {
    const userId = await makeUser(first.app, 'eve');
    const passwordHash = (await db.users.passwordHash(userId)) ?? '';
    const now = Date.now();
    const keys = Array.from({ length: 4 }, (_, n) => `contended-${n}`.padEnd(43, '-'));
    const newSession = (key: string) => {
      const ends = { expiresAt: now + 60_000, endsAt: now + 90_000 };
      const from = { address: '', userAgent: '', remembered: false };
      return { key, id: randomUUIDv7(), userId, passwordHash, now, ...ends, ...from };
    };
    for (const key of keys) await db.atomically([db.sessions.add(newSession(key))]);
    const missed = await both(times, async (worker, n) => {
      const { atomically, sessions } = apps[worker]?.db ?? db;
      const key = keys[n % 4] ?? '';
      if (n % 3) {
        const seen = { key, lastSeenAt: now + n, expiresAt: now + 60_000 + n, unseenSince: now + n };
        return atomically([sessions.touch(seen)]);
      }
      const shortLived = `${worker}-${n}`.padEnd(43, '-');
      return atomically([sessions.add(newSession(shortLived)), sessions.end(shortLived)]);
    });
    t.ok(missed.every((write) => write === undefined));
    const last = await Promise.all(keys.map(async (key) => (await db.sessions.find(key))?.lastSeenAt ?? 0));
    t.ok(last.every((lastSeenAt) => lastSeenAt > now + times / 2 - 20));
  });

  const mariaDbVariables = await server.query("SHOW VARIABLES LIKE 'innodb_snapshot_isolation'");
  for (const snapshots of mariaDbVariables.length > 0 ? ['OFF', 'ON'] : ['']) {
    await t.test(
      `Transactions that update rows in opposite orders lose no update${snapshots && ` (innodb_snapshot_isolation ${snapshots})`}`,
      async (t) => {
        if (snapshots) await server.query(`SET GLOBAL innodb_snapshot_isolation = ${snapshots}`);
        const ids = await incrementInOppositeOrders(t);
        const versions = await Promise.all(ids.map(async (id) => (await db.groups.find(id))?.version));
        t.strictSame(versions, [times + 1, times + 1, times + 1]);
      },
    );
  }

  /** Increments the versions of three groups through two engines, each in its own order. */
  async function incrementInOppositeOrders(t: Test): Promise<string[]> {
    const ids = [randomUUIDv7(), randomUUIDv7(), randomUUIDv7()];
    for (const id of ids) {
      const group = { id, name: id, title: '', permissions: [] };
      await db.atomically(db.groups.add(group, Date.now()));
    }
    const environment = { DATABASE_URL: databaseUrl, POOL_SIZE: '8', WORKERS: '1' };
    const incrementers = await Promise.all(
      apps.map(async () => {
        const engine = await openEngine(loadSettings({ root: import.meta.dirname, environment }));
        t.teardown(() => engine.close());
        const { groups } = engine.tables;
        const increment = engine.build
          .update(groups)
          .set({ version: sql`${groups.version} + 1` })
          .where(equals(groups.id, 'id'));
        return { engine, increment: engine.write(increment, 1) };
      }),
    );
    const missed = await both(times, (worker) => {
      const { engine, increment } = incrementers[worker] ?? {};
      if (!engine || !increment) throw new Error('There are two workers.');
      const order = worker === 0 ? ids : ids.toReversed();
      return engine.atomically(order.map((id) => increment({ id })));
    });
    t.ok(missed.every((write) => write === undefined));
    return ids;
  }

  await t.test('A write waits for a row lock and gives 503 when the lock is held for too long', async (t) => {
    const { status, detail, took = 0 } = (await blockedRequest) ?? {};
    t.equal(status, 503);
    t.match(detail, /Nothing was changed/);
    t.ok(took > 4_000 && took < 15_000);
    t.equal((await db.users.find(fay))?.version, 1);

    await lockHolder.query('ROLLBACK');
    await lockFay();
    const late = request(1, 'PATCH', `/api/users/${fay}`, { name: 'Fay' });
    await until('a write waits for the lock', async () => {
      return (await server.connections(databaseUrl, 'update')).length > 0 || undefined;
    });
    await lockHolder.query('ROLLBACK');
    t.equal(await late, 200, 'the write succeeds when the lock is released in time');
    t.equal((await db.users.find(fay))?.version, 2);
  });
}
