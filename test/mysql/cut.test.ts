/**
 * The network between the service and its database may fail at any statement. What happened must then be certain, or
 * the answer must say that it is not: a client that is told that nothing was changed does the same again.
 */
import type { Test } from 'tap';
import { databaseName, HASTY, onOwnServer, tally } from '../support/own-server.ts';
import { Client, makeUser, quickHashing, signedIn, startService } from '../support/service.ts';
import { Mishap, TcpProxy } from './proxy.ts';

const NOTHING_CHANGED = /nothing was changed/i;
const POOL_SIZE = 3;

onOwnServer('a connection that is lost', HASTY, async (t, server) => {
  /** The service behind a proxy, on a database of its own. */
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
    return {
      proxy,
      db: app.db,
      id,
      rename: () => client.request('PATCH', `/api/users/${id}`, { name: 'Ann' }),
      read: async () => (await client.request('GET', '/api/users')).statusCode,
      signIn: () => new Client(app).signIn('ann'),
      version: async () => (await app.db.users.find(id))?.version ?? 0,
      async sessions() {
        const [row] = await server.query(`SELECT COUNT(*) AS count FROM ${databaseName(direct)}.sessions`);
        return Number(row?.count);
      },
      useAll: () => server.useAll(app, direct, id, POOL_SIZE),
    };
  }

  // What takes long goes on beside the rest.
  const [atCommit, atUpdate, atStart] = await Promise.all([setUp(t), setUp(t), setUp(t)]);
  const silent = [atCommit, atUpdate, atStart];
  atCommit.proxy.fate = new Mishap('COMMIT', 'silent').fate;
  atUpdate.proxy.fate = new Mishap('update `users`', 'silent').fate;
  atStart.proxy.cutOff();
  atStart.proxy.refusing = false;
  atStart.proxy.fate = new Mishap('SET SESSION', 'silent', { times: 100 }).fate;
  const inSilence = Promise.all(
    silent.map(async ({ rename }) => {
      const asked = Date.now();
      const response = await rename();
      return { status: response.statusCode, detail: response.json().detail, took: Date.now() - asked };
    }),
  );

  const scene = await setUp(t);
  const { proxy, db, id } = scene;
  t.afterEach(() => {
    proxy.fate = () => 'passed';
  });

  const outcomes = [
    { title: 'before COMMIT arrives', fate: 'lost', done: 0 },
    { title: 'after COMMIT has taken effect', fate: 'unanswered', done: 1 },
  ] as const;
  for (const { title, fate, done } of outcomes) {
    await t.test(`${title}, gives 503 that claims nothing of what was changed`, async (t) => {
      const before = await scene.version();
      const mishap = new Mishap('COMMIT', fate);
      proxy.fate = mishap.fate;
      const response = await scene.rename();
      t.equal(response.statusCode, 503);
      t.equal(response.headers['retry-after'], '1');
      t.notMatch(response.json().detail, NOTHING_CHANGED);
      t.match(response.json().detail, /Look whether the change was made/);
      t.equal(mishap.sent, 1, 'it is not tried again');
      t.equal(await scene.version(), before + done);
    });

    await t.test(`${title}, starts no second session`, async (t) => {
      const before = await scene.sessions();
      proxy.fate = new Mishap('COMMIT', fate, { after: 'insert into `sessions`' }).fate;
      const response = await scene.signIn();
      t.equal(response.statusCode, 503);
      t.notMatch(response.json().detail, NOTHING_CHANGED);
      t.equal(await scene.sessions(), before + done);
    });
  }

  for (const statement of ['START TRANSACTION', 'update `users`']) {
    for (const fate of ['lost', 'unanswered'] as const) {
      await t.test(`at ${statement}, ${fate}, is not noticed: the writes are done once`, async (t) => {
        const before = await scene.version();
        const mishap = new Mishap(statement, fate);
        proxy.fate = mishap.fate;
        t.equal((await scene.rename()).statusCode, 200);
        t.equal(mishap.sent, 2);
        t.equal(await scene.version(), before + 1);
      });
    }
  }

  await t.test('in the middle of reading, on every connection of the pool, is not noticed', async (t) => {
    const mishap = new Mishap('from `users`', 'unanswered', { times: 5 });
    proxy.fate = mishap.fate;
    t.strictSame(tally(await Promise.all(Array.from({ length: 4 }, scene.read))), { 200: 4 });
    t.ok(mishap.sent > 5);
  });

  await t.test('while writes are being taken back leaves nothing of them', async (t) => {
    const ann = await db.users.find(id);
    if (!ann) throw new Error('ann is not there');
    const mishap = new Mishap('ROLLBACK', 'lost');
    proxy.fate = mishap.fate;
    const impossible = db.users.change({ ...ann, version: ann.version + 7 }, Date.now());
    const missed = await db.atomically([db.users.change({ ...ann, name: 'Anna' }, Date.now()), impossible]);
    t.equal(missed, impossible);
    t.equal(mishap.sent, 2);
    t.strictSame(await db.users.find(id), ann);
  });

  await t.test('and while there is no other to be had gives 503', async (t) => {
    proxy.cutOff();
    const response = await scene.rename();
    t.equal(response.statusCode, 503);
    t.equal(response.headers['retry-after'], '1');
    t.match(response.json().detail, NOTHING_CHANGED);
    proxy.refusing = false;
    t.equal(await scene.read(), 200, 'until there is');
    t.equal(await scene.useAll(), POOL_SIZE);
  });

  t.test('or that falls silent, gives 503 within bounds', async (t) => {
    const answers = await inSilence;
    t.strictSame(
      answers.map(({ status }) => status),
      [503, 503, 503],
    );
    t.ok(answers.every(({ took }) => took < 20_000));
    const claims = answers.map(({ detail }) => NOTHING_CHANGED.test(detail));
    t.strictSame(claims, [false, true, true], 'and says what is certain');
    for (const each of silent) {
      each.proxy.fate = () => 'passed';
      t.equal(await each.version(), 1);
      t.equal(await each.useAll(), POOL_SIZE, 'and the pool is whole');
    }
  });
});
