/**
 * The connection to the database may fail at any statement. An answer may say "nothing was changed" only when that is
 * certain, because a client that reads it repeats the request.
 */
import type { Test } from 'tap';
import { FAST_FLAGS, onOwnServer } from '../../../support/own-server.ts';
import { Client, makeUser, quickHashing, signedIn, startService } from '../../../support/service.ts';
import { tally } from '../../../support/tally.ts';
import { databaseName } from '../../../support/test-server.ts';
import { NetworkFault, TcpProxy } from './proxy.ts';

const NOTHING_CHANGED = /nothing was changed/i;
const POOL_SIZE = 3;

onOwnServer('The service survives lost database connections', FAST_FLAGS, async (t, server) => {
  /** Starts a service on its own database, behind a proxy. */
  async function setUp(t: Test) {
    const proxy = new TcpProxy(server.port);
    await proxy.start(t);
    const direct = await server.makeDatabase();
    const { app } = await startService(t, server.engine, {
      databaseUrl: direct.replace(`:${server.port}/`, `:${proxy.port}/`),
      settings: { POOL_SIZE, WORKERS: 1 },
      hashing: quickHashing,
    });
    const id = await makeUser(app, 'ann', { admin: true });
    const client = await signedIn(app, 'ann');
    let names = 0;
    return {
      proxy,
      db: app.db,
      id,
      // Another name each time, since a change to what is so already writes nothing.
      rename: () => client.request('PATCH', `/api/users/${id}`, { name: `Ann ${names++}` }),
      read: async () => (await client.request('GET', '/api/users')).statusCode,
      signIn: () => new Client(app).signIn('ann'),
      version: async () => (await app.db.users.find(id))?.version ?? 0,
      async sessions() {
        const [row] = await server.query(`SELECT COUNT(*) AS count FROM ${databaseName(direct)}.sessions`);
        return Number(row?.count);
      },
      useWholePool: () => server.useWholePool(app, direct, id, POOL_SIZE),
    };
  }

  // Timeouts take long, so these three requests run beside the other tests.
  const [atCommit, atUpdate, atStart] = await Promise.all([setUp(t), setUp(t), setUp(t)]);
  const silentServices = [atCommit, atUpdate, atStart];
  atCommit.proxy.decide = new NetworkFault('COMMIT', 'silent').decide;
  atUpdate.proxy.decide = new NetworkFault('update `users`', 'silent').decide;
  atStart.proxy.cutOff();
  atStart.proxy.refusing = false;
  atStart.proxy.decide = new NetworkFault('SET SESSION', 'silent', { times: 100 }).decide;
  const unansweredRequests = Promise.all(
    silentServices.map(async ({ rename }) => {
      const started = Date.now();
      const response = await rename();
      return { status: response.statusCode, detail: response.json().detail, took: Date.now() - started };
    }),
  );

  const service = await setUp(t);
  const { proxy, db, id } = service;
  t.afterEach(() => {
    proxy.decide = () => 'passed';
  });

  const outcomes = [
    { when: 'before COMMIT arrives', outcome: 'lost', applied: 0 },
    { when: 'after COMMIT has taken effect', outcome: 'unanswered', applied: 1 },
  ] as const;
  for (const { when, outcome, applied } of outcomes) {
    await t.test(`A connection lost ${when} gives 503 with an open outcome`, async (t) => {
      const before = await service.version();
      const fault = new NetworkFault('COMMIT', outcome);
      proxy.decide = fault.decide;
      const response = await service.rename();
      t.equal(response.statusCode, 503);
      t.equal(response.headers['retry-after'], '1');
      t.notMatch(response.json().detail, NOTHING_CHANGED);
      t.match(response.json().detail, /Look whether the change was made/);
      t.equal(fault.sent, 1, 'COMMIT is not retried');
      t.equal(await service.version(), before + applied);
    });

    await t.test(`A connection lost ${when} of a sign-in does not create a second session`, async (t) => {
      const before = await service.sessions();
      proxy.decide = new NetworkFault('COMMIT', outcome, { after: 'insert into `sessions`' }).decide;
      const response = await service.signIn();
      t.equal(response.statusCode, 503);
      t.notMatch(response.json().detail, NOTHING_CHANGED);
      t.equal(await service.sessions(), before + applied);
    });
  }

  for (const statement of ['START TRANSACTION', 'update `users` set `version`']) {
    for (const outcome of ['lost', 'unanswered'] as const) {
      await t.test(`A connection lost at ${statement} (${outcome}) is retried and writes once`, async (t) => {
        const before = await service.version();
        const fault = new NetworkFault(statement, outcome);
        proxy.decide = fault.decide;
        t.equal((await service.rename()).statusCode, 200);
        t.equal(fault.sent, 2);
        t.equal(await service.version(), before + 1);
      });
    }
  }

  await t.test('Reads succeed after every connection of the pool is lost during a read', async (t) => {
    const fault = new NetworkFault('from `users`', 'unanswered', { times: 5 });
    proxy.decide = fault.decide;
    t.strictSame(tally(await Promise.all(Array.from({ length: 4 }, service.read))), { 200: 4 });
    t.ok(fault.sent > 5);
  });

  await t.test('A connection lost at ROLLBACK leaves no write of the transaction', async (t) => {
    const ann = await db.users.find(id);
    if (!ann) throw new Error('ann is not there');
    const fault = new NetworkFault('ROLLBACK', 'lost');
    proxy.decide = fault.decide;
    const conflicting = db.users.change({ ...ann, version: ann.version + 7 }, Date.now());
    const missed = await db.atomically([db.users.change({ ...ann, name: 'Anna' }, Date.now()), conflicting]);
    t.equal(missed, conflicting);
    t.equal(fault.sent, 2);
    t.strictSame(await db.users.find(id), ann);
  });

  await t.test('A write gives 503 while no connection can be opened', async (t) => {
    proxy.cutOff();
    const response = await service.rename();
    t.equal(response.statusCode, 503);
    t.equal(response.headers['retry-after'], '1');
    t.match(response.json().detail, NOTHING_CHANGED);
    proxy.refusing = false;
    t.equal(await service.read(), 200, 'the service recovers when connections can be opened again');
    t.equal(await service.useWholePool(), POOL_SIZE);
  });

  t.test('A connection that stops answering gives 503 within 20 seconds', async (t) => {
    const answers = await unansweredRequests;
    t.strictSame(
      answers.map(({ status }) => status),
      [503, 503, 503],
    );
    t.ok(answers.every(({ took }) => took < 20_000));
    const claims = answers.map(({ detail }) => NOTHING_CHANGED.test(detail));
    t.strictSame(claims, [false, true, true], 'only a lost COMMIT leaves it open whether something changed');
    for (const each of silentServices) {
      each.proxy.decide = () => 'passed';
      t.equal(await each.version(), 1);
      t.equal(await each.useWholePool(), POOL_SIZE, 'every connection of the pool works again');
    }
  });
});
