/**
 * Workers write the same rows at the same time. MySQL then undoes one of two transactions that wait for each other, and
 * lets others wait; nothing of what was asked may be lost by that, and nobody should notice.
 */
import { randomUUIDv7 } from 'node:crypto';
import mysql from 'mysql2/promise';
import type { Test } from 'tap';
import { loadSettings } from '../../config/load.ts';
import { openEngine } from '../../db/database.ts';
import { sql } from '../../db/drizzle.ts';
import { equals } from '../../db/schema/column-types.ts';
import { HASTY, inParallel, onOwnServer, tally } from '../support/own-server.ts';
import { until } from '../support/processes.ts';
import { makeUser, quickHashing, signedIn, startService } from '../support/service.ts';

/** How many writes of a kind there are. */
const TIMES = 1_000;
const REQUESTS = 400;
/** How many requests each worker serves at a time. */
const WIDTH = 4;

onOwnServer('two workers that write the same rows', HASTY, async (t, server) => {
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

  /** Has both workers do it so many times in all, each several at a time. */
  async function both<Result>(times: number, work: (worker: number, n: number) => Promise<Result>) {
    const halves = await Promise.all(
      apps.map((_, worker) => inParallel(times / 2, WIDTH, (n) => work(worker, n))),
    );
    return halves.flat();
  }
  const request = async (worker: number, method: 'PATCH' | 'PUT' | 'DELETE', url: string, body?: object) =>
    (await clients[worker]?.request(method, url, body))?.statusCode ?? 0;

  // What takes long goes on beside the rest.
  const fay = await makeUser(first.app, 'fay');
  const inTheWay = await mysql.createConnection(databaseUrl);
  t.teardown(() => inTheWay.destroy());
  const standInTheWay = async () => {
    await inTheWay.query('START TRANSACTION');
    await inTheWay.query(`SELECT id FROM users WHERE id = '${fay}' FOR UPDATE`);
  };
  await standInTheWay();
  const asked = Date.now();
  const inVain = clients[0]?.request('PATCH', `/api/users/${fay}`, { name: 'Fay' }).then((response) => {
    return { status: response.statusCode, detail: response.json().detail, took: Date.now() - asked };
  });

  await t.test('by requests change two users hundreds of times, and lose none of it', async (t) => {
    const ids = [await makeUser(first.app, 'ann'), await makeUser(first.app, 'bob')];
    const statuses = await both(REQUESTS, (worker, n) =>
      request(worker, 'PATCH', `/api/users/${ids[n % 2]}`, { name: `${worker} ${n}` }),
    );
    const counts = tally(statuses);
    const { 200: changed = 0, 409: refused = 0 } = counts;
    t.equal(changed + refused, REQUESTS, `all were answered: ${JSON.stringify(counts)}`);
    t.ok(changed > REQUESTS / 2, 'only when many are too quick for one is it asked to try again');
    const versions = await Promise.all(ids.map(async (id) => (await db.users.find(id))?.version ?? 0));
    t.equal(
      versions.reduce((sum, version) => sum + version - 1, 0),
      changed,
    );
  });

  await t.test('put and remove the same members, and find them put or removed', async (t) => {
    const groupId = randomUUIDv7();
    const group = { id: groupId, name: 'team', title: '', permissions: ['users:write'] };
    await db.atomically(db.groups.add(group, Date.now()));
    const ids = [await makeUser(first.app, 'cat'), await makeUser(first.app, 'dan')];
    const member = (n: number) => `/api/groups/${groupId}/members/${ids[n % 2]}`;
    const statuses = await both(REQUESTS, (worker, n) =>
      (n + worker) % 3 === 0
        ? request(worker, 'DELETE', member(n))
        : request(worker, 'PUT', member(n), { role: n % 5 ? 'member' : 'manager' }),
    );
    // Between a worker's writing a member and reading it back, the other may have removed it.
    const { 200: put = 0, 204: removed = 0, 404: absent = 0 } = tally(statuses);
    t.equal(put + removed + absent, REQUESTS, JSON.stringify(tally(statuses)));
    t.strictSame(
      await both(4, (worker, n) => request(worker, 'PUT', member(n), { role: 'member' })),
      [200, 200, 200, 200],
    );
    t.equal((await db.memberships.page(groupId, '', '', 9))?.members.length, 2);
  });

  await t.test('note the same sessions as seen while others of the user are begun and ended', async (t) => {
    const userId = await makeUser(first.app, 'eve');
    const passwordHash = (await db.users.passwordHash(userId)) ?? '';
    const now = Date.now();
    const keys = Array.from({ length: 4 }, (_, n) => `contended-${n}`.padEnd(43, '-'));
    const begin = (key: string) => {
      const ends = { expiresAt: now + 60_000, endsAt: now + 90_000 };
      const from = { address: '', userAgent: '', remembered: false };
      return { key, id: randomUUIDv7(), userId, passwordHash, now, ...ends, ...from };
    };
    for (const key of keys) await db.atomically([db.sessions.add(begin(key))]);
    const missed = await both(TIMES, async (worker, n) => {
      const { atomically, sessions } = apps[worker]?.db ?? db;
      const key = keys[n % 4] ?? '';
      if (n % 3) {
        const seen = { key, lastSeenAt: now + n, expiresAt: now + 60_000 + n, unseenSince: now + n };
        return atomically([sessions.touch(seen)]);
      }
      const fleeting = `${worker}-${n}`.padEnd(43, '-');
      return atomically([sessions.add(begin(fleeting)), sessions.end(fleeting)]);
    });
    t.ok(missed.every((write) => write === undefined));
    const last = await Promise.all(keys.map(async (key) => (await db.sessions.find(key))?.lastSeenAt ?? 0));
    t.ok(last.every((lastSeenAt) => lastSeenAt > now + TIMES / 2 - 20));
  });

  const ofMariaDb = await server.query("SHOW VARIABLES LIKE 'innodb_snapshot_isolation'");
  for (const snapshots of ofMariaDb.length > 0 ? ['OFF', 'ON'] : ['']) {
    await t.test(
      `in opposite orders, as lists, lose none ${snapshots && `(snapshots ${snapshots})`}`,
      async (t) => {
        if (snapshots) await server.query(`SET GLOBAL innodb_snapshot_isolation = ${snapshots}`);
        const ids = await raiseInOppositeOrders(t);
        const versions = await Promise.all(ids.map(async (id) => (await db.groups.find(id))?.version));
        t.strictSame(versions, [TIMES + 1, TIMES + 1, TIMES + 1]);
      },
    );
  }

  /** Raises the versions of three groups in two engines, each in an order of its own. */
  async function raiseInOppositeOrders(t: Test): Promise<string[]> {
    const ids = [randomUUIDv7(), randomUUIDv7(), randomUUIDv7()];
    for (const id of ids) {
      const group = { id, name: id, title: '', permissions: [] };
      await db.atomically(db.groups.add(group, Date.now()));
    }
    const environment = { DATABASE_URL: databaseUrl, POOL_SIZE: '8', WORKERS: '1' };
    const raisers = await Promise.all(
      apps.map(async () => {
        const engine = await openEngine(loadSettings({ root: import.meta.dirname, environment }));
        t.teardown(() => engine.close());
        const { groups } = engine.tables;
        const raise = engine.build
          .update(groups)
          .set({ version: sql`${groups.version} + 1` })
          .where(equals(groups.id, 'id'));
        return { engine, raise: engine.write(raise, 1) };
      }),
    );
    const missed = await both(TIMES, (worker) => {
      const { engine, raise } = raisers[worker] ?? {};
      if (!engine || !raise) throw new Error('There are two workers.');
      const order = worker === 0 ? ids : ids.toReversed();
      return engine.atomically(order.map((id) => raise({ id })));
    });
    t.ok(missed.every((write) => write === undefined));
    return ids;
  }

  await t.test('wait for a lock that somebody else holds, but not for ever', async (t) => {
    const { status, detail, took = 0 } = (await inVain) ?? {};
    t.equal(status, 503);
    t.match(detail, /Nothing was changed/);
    t.ok(took > 4_000 && took < 15_000);
    t.equal((await db.users.find(fay))?.version, 1);

    await inTheWay.query('ROLLBACK');
    await standInTheWay();
    const late = request(1, 'PATCH', `/api/users/${fay}`, { name: 'Fay' });
    await until('a write that waits', async () => {
      return (await server.connections(databaseUrl, 'update')).length > 0 || undefined;
    });
    await inTheWay.query('ROLLBACK');
    t.equal(await late, 200, 'one that is given back in time is not noticed');
    t.equal((await db.users.find(fay))?.version, 2);
  });
});
