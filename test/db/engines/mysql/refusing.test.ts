/**
 * A running server may still refuse: it kills connections, has too many of them, is read-only during a failover, or
 * rejects the password. The service must give 503 and recover when the cause is gone.
 */
import mysql from 'mysql2/promise';
import { startMaintenance } from '../../../../cluster/maintenance.ts';
import { makeLog } from '../../../support/log.ts';
import { FAST_FLAGS, inParallel, onOwnServer } from '../../../support/own-server.ts';
import { until } from '../../../support/running.ts';
import { makeUser, quickHashing, signedIn, startService } from '../../../support/service.ts';
import { tally } from '../../../support/tally.ts';

const POOL_SIZE = 4;
const MAINTENANCE_POOL_SIZE = 2;
const FLAGS = [...FAST_FLAGS, '--max-connections=12'];

onOwnServer('The service survives a database server that refuses requests', FLAGS, async (t, server) => {
  const root = await server.makeDatabase();
  await server.query("CREATE USER clerk@'127.0.0.1' IDENTIFIED BY 'the right one'");
  await server.query("CREATE USER clerk@localhost IDENTIFIED BY 'the right one'");
  const databaseUrl = root.replace('//root@', '//clerk:the%20right%20one@');
  const forClerk = (statement: string) =>
    Promise.all(
      ["'127.0.0.1'", 'localhost'].map((host) => server.query(`${statement.replace('HOST', host)}`)),
    );
  await forClerk(`GRANT ALL ON ${new URL(root).pathname.slice(1)}.* TO clerk@HOST`);
  const { log, lines } = makeLog('info');
  const { app, settings } = await startService(t, server.engine, {
    databaseUrl,
    settings: { POOL_SIZE, WORKERS: 1 },
    hashing: quickHashing,
    log,
  });
  const id = await makeUser(app, 'ann', { admin: true });
  const client = await signedIn(app, 'ann');
  const read = async () => (await client.request('GET', `/api/users/${id}`)).statusCode;
  const write = async () => (await client.request('PATCH', `/api/users/${id}`, { name: 'Ann' })).statusCode;
  const kill = async (how: string) => {
    for (const connection of await server.connections(root)) {
      // The connection may already be closed.
      await server.query(`KILL ${how} ${connection}`).catch(() => {});
    }
  };

  await t.test('Most requests succeed while the server kills their connections', async (t) => {
    let stopped = false;
    const load = inParallel(5_000, 2 * POOL_SIZE, async (n) => {
      if (stopped) return [];
      const response = await client.request(
        n % 2 ? 'PATCH' : 'GET',
        `/api/users/${id}`,
        n % 2 ? { name: `${n}` } : undefined,
      );
      return [{ status: response.statusCode, detail: String(response.json().detail) }];
    });
    for (let times = 0; times < 20; times++) await kill(times % 2 ? 'CONNECTION' : 'QUERY');
    stopped = true;
    const answers = (await load).flat();
    t.ok(
      answers.filter(({ status }) => status === 200).length > answers.length / 2,
      `more than half of ${answers.length} requests succeed`,
    );
    // 409: many clients change one user at once. 503: a killed COMMIT may or may not have taken effect.
    for (const { status, detail } of answers) {
      if (status === 200 || status === 409) continue;
      t.equal(status, 503);
      t.match(detail, /Look whether the change was made/);
    }
    await kill('CONNECTION');
    t.strictSame(await Promise.all([read(), write(), read()]), [200, 200, 200], 'idle ones are replaced');
  });

  await t.test('A server with too many connections gives 503 until connections are free', async (t) => {
    await kill('CONNECTION');
    const before = await server.query("SHOW VARIABLES LIKE 'max_connections'");
    await server.query('SET GLOBAL max_connections = 10');
    // Other clients take all connections; MySQL keeps one more for root.
    const others = mysql.createPool({ uri: databaseUrl, connectionLimit: 30 });
    t.teardown(() => others.end().catch(() => {}));
    await until('other clients have all connections', async () => {
      const connection = await others.getConnection().catch(() => 'none is left');
      return connection === 'none is left' || undefined;
    });
    t.equal(await read(), 503);
    await others.end();
    await server.query(`SET GLOBAL max_connections = ${before[0]?.Value}`);
    t.equal(await read(), 200);
    t.equal(await write(), 200);
  });

  const maintenance = await startMaintenance(settings, log, (isWritable) => {
    app.health.isWritable = isWritable;
  });
  t.teardown(() => maintenance.end());
  const logged = (message: string) =>
    until(message, () => lines.find((line) => JSON.parse(line).msg === message));
  const ready = async () => (await client.request('GET', '/readyz')).json().status;

  await t.test('A write to a read-only server gives 503 that says that nothing was changed', async (t) => {
    const version = (await app.db.users.find(id))?.version;
    await server.query('SET GLOBAL read_only = ON');
    await logged('the database can not be written');
    t.equal(await ready(), 'read-only');
    const response = await client.request('PATCH', `/api/users/${id}`, { name: 'Anna' });
    t.equal(response.statusCode, 503);
    t.match(response.json().detail, /Nothing was changed/);
    t.equal(await read(), 200);
    await server.query('SET GLOBAL read_only = OFF');
    t.equal((await app.db.users.find(id))?.version, version);
    await logged('the database can be written again');
    t.equal(await ready(), 'ready');
    t.equal(await write(), 200);
  });

  await t.test('A rejected password gives 503 until the password is right again', async (t) => {
    await forClerk("ALTER USER clerk@HOST IDENTIFIED BY 'another one'");
    await kill('CONNECTION');
    const response = await client.request('GET', `/api/users/${id}`);
    t.equal(response.statusCode, 503);
    t.notMatch(response.payload, /clerk|password|denied/i);
    await logged('the database can not be read');
    await forClerk("ALTER USER clerk@HOST IDENTIFIED BY 'the right one'");
    t.equal(await read(), 200);
    t.strictSame(tally(await inParallel(4 * POOL_SIZE, 2 * POOL_SIZE, read)), { 200: 4 * POOL_SIZE });
    t.equal(await write(), 200);
    t.ok(await server.hasAtMost(POOL_SIZE + MAINTENANCE_POOL_SIZE, root));
    await logged('the database can be read again');
  });

  await t.test('Each trouble is one line when it begins and one when it ends', async (t) => {
    t.strictSame(
      lines.map((line) => JSON.parse(line).msg).filter((message) => message.startsWith('the database can')),
      [
        'the database can not be written',
        'the database can be written again',
        'the database can not be read',
        'the database can be read again',
      ],
    );
  });
});
