/**
 * DATABASE_URL names a primary and its replica. When one of them dies, hangs or becomes read-only, the service goes on with the
 * other one: no answer is 500, no acknowledged write is lost or made twice, and nobody waits longer than five seconds.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { Test } from 'tap';
import { createApp } from '../../../../app.ts';
import { onOwnServer } from '../../../support/own-server.ts';
import { manage } from '../../../support/processes.ts';
import { follow, promote, replicationFlags } from '../../../support/replication.ts';
import { until } from '../../../support/running.ts';
import { makeUser, quickHashing, signedIn, startService } from '../../../support/service.ts';
import { tally } from '../../../support/tally.ts';
import { databaseName, OwnServer } from '../../../support/test-server.ts';

const POOL_SIZE = 4;
const CLIENTS = 8;
/** The longest that a server which fails may hold up a request, in milliseconds. */
const BOUND = 5_000;
const PASSWORD = 'hunter2-is-secret';

onOwnServer(
  'The service goes on with another server of DATABASE_URL',
  replicationFlags(1),
  async (t, first) => {
    const second = new OwnServer(replicationFlags(2));
    t.teardown(() => second.remove());
    await second.start();
    await follow(second, first);
    // Another user than root, whom read_only does not hold back.
    for (const host of ["'127.0.0.1'", 'localhost']) {
      await first.query(`CREATE USER clerk@${host} IDENTIFIED BY '${PASSWORD}'`);
      await first.query(`GRANT ALL ON \`rollcall%\`.* TO clerk@${host}`);
    }
    const database = databaseName(await first.makeDatabase());
    const urlOf = (...ports: number[]) =>
      `mysql://clerk:${PASSWORD}@${ports.map((port) => `127.0.0.1:${port}`).join(',')}/${database}`;
    const databaseUrl = urlOf(first.port, second.port);
    const settings = { POOL_SIZE, WORKERS: 1 };
    const { app, settings: complete } = await startService(t, first.engine, {
      databaseUrl,
      settings,
      hashing: quickHashing,
    });
    const adminId = await makeUser(app, 'admin', { admin: true });
    const admin = await signedIn(app, 'admin');

    const acknowledged: string[] = [];
    /** Creates a user, or reads one. */
    async function send(n: number) {
      const started = Date.now();
      const username = `u${randomUUIDv7()}`;
      const body = { username, password: 'any long password' };
      const response =
        n % 2
          ? await admin.request('GET', `/api/users/${adminId}`)
          : await admin.request('POST', '/api/users', body);
      const { statusCode: status } = response;
      if (status === 201) acknowledged.push(username);
      return { status, kind: String(response.json().type), took: Date.now() - started };
    }

    /** Sends requests while `happens` runs, and until each client has got an answer after it. */
    async function underLoad(happens: () => Promise<unknown>) {
      const answers: Awaited<ReturnType<typeof send>>[] = [];
      let stopped = false;
      const clients = Array.from({ length: CLIENTS }, async (_, n) => {
        while (!stopped) answers.push(await send(n));
      });
      await until('there are answers', () => answers.length >= CLIENTS || undefined);
      await happens();
      const before = answers.length;
      await until('there are more answers', () => answers.length >= before + 2 * CLIENTS || undefined);
      stopped = true;
      await Promise.all(clients);
      return answers;
    }

    function assertGoesOn(t: Test, answers: Awaited<ReturnType<typeof underLoad>>) {
      const {
        200: reads = 0,
        201: writes = 0,
        503: refused = 0,
        ...others
      } = tally(answers.map(({ status }) => status));
      t.strictSame(others, {}, 'there are no other answers');
      t.ok(reads > 0 && writes > 0, `${reads} reads, ${writes} writes, ${refused} refused`);
      const slowest = Math.max(...answers.map(({ took }) => took));
      t.ok(slowest < BOUND, `the slowest took ${slowest} ms`);
      // Only a write whose COMMIT was not answered.
      const kinds = answers.filter(({ status }) => status === 503).map(({ kind }) => kind);
      t.strictSame(
        kinds.filter((kind) => !kind.endsWith('outcome-unknown')),
        [],
      );
    }

    await t.test('A new connection goes to the first server', async (t) => {
      await Promise.all(Array.from({ length: CLIENTS }, (_, n) => send(n)));
      t.equal((await first.connections(databaseUrl)).length, POOL_SIZE);
      t.equal((await second.connections(databaseUrl)).length, 0);
    });

    await t.test('A service does not start without any server, and names each but no password', async (t) => {
      const failure: unknown = await createApp({
        settings: { ...complete, DATABASE_URL: urlOf(1, 2) },
      }).catch((error) => error);
      const message = failure instanceof Error ? failure.message : '';
      t.match(message, /127\.0\.0\.1:1: connect ECONNREFUSED.*; 127\.0\.0\.1:2: connect ECONNREFUSED/);
      t.notMatch(message, PASSWORD);
    });

    await t.test('A command goes to the next server when the first one is away', async (t) => {
      const environment = { DATABASE_URL: urlOf(1, first.port) };
      t.match(await manage(['user', 'list'], { environment }), { code: 0, stdout: /admin/ });
    });

    await t.test('Reads go on and writes get 503 while all servers are read-only', async (t) => {
      await first.query('SET GLOBAL read_only = ON');
      const [write, ...reads] = await Promise.all([send(0), send(1), send(1), send(1)]);
      t.match(write, { status: 503, kind: 'urn:rollcall:problem:read-only' });
      t.strictSame(tally(reads.map(({ status }) => status)), { 200: 3 });
      await first.query('SET GLOBAL read_only = OFF');
      t.equal((await send(0)).status, 201);
    });

    await t.test('Writes go to a replica that takes over, and no request fails', async (t) => {
      const answers = await underLoad(async () => {
        await first.query('SET GLOBAL read_only = ON');
        await promote(second);
      });
      assertGoesOn(t, answers);
      t.strictSame(tally(answers.map(({ status }) => status))[503], undefined, 'none is refused');
      t.ok((await second.connections(databaseUrl)).length > 0);
      await follow(first, second);
    });

    await t.test('Reads leave a primary that became a replica, although nobody writes', async (t) => {
      await second.query('SET GLOBAL read_only = ON');
      await promote(first);
      await until('a read goes to the new primary', async () => {
        t.equal((await send(1)).status, 200);
        return (await first.connections(databaseUrl)).length > 0 || undefined;
      });
      await follow(second, first);
    });

    await t.test('A server that hangs under load is left', async (t) => {
      const answers = await underLoad(async () => {
        await first.kill('SIGSTOP');
        await promote(second);
      });
      assertGoesOn(t, answers);
      await first.kill('SIGKILL');
    });

    await t.test('A server that died while nobody asked is left', async (t) => {
      await first.start(['--read-only']);
      await follow(first, second);
      t.ok((await second.connections(databaseUrl)).length > 0);
      await second.kill('SIGSTOP');
      await promote(first);
      const answers = await Promise.all(Array.from({ length: CLIENTS }, (_, n) => send(n)));
      assertGoesOn(t, answers);
    });

    await t.test('Every acknowledged write is there once', async (t) => {
      const rows = await first.query(`SELECT username FROM ${database}.users WHERE username LIKE 'u%'`);
      const there = tally(rows.map(({ username }) => String(username)));
      t.strictSame(
        acknowledged.filter((username) => there[username] !== 1),
        [],
        `of ${acknowledged.length}`,
      );
    });
  },
);
