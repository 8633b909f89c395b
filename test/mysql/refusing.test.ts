/**
 * A server may be there and yet refuse: it closes our connections, has no more of them, lets nobody write during a
 * failover, or no longer knows the password. That is no fault of the service's either, and it passes.
 */
import mysql from 'mysql2/promise';
import { HASTY, inParallel, onOwnServer, tally } from '../support/own-server.ts';
import { until } from '../support/processes.ts';
import { makeUser, quickHashing, signedIn, startService } from '../support/service.ts';

const POOL_SIZE = 4;

onOwnServer('a server that refuses', [...HASTY, '--max-connections=12'], async (t, server) => {
  const root = await server.makeDatabase();
  await server.query("CREATE USER clerk@'127.0.0.1' IDENTIFIED BY 'the right one'");
  await server.query("CREATE USER clerk@localhost IDENTIFIED BY 'the right one'");
  const databaseUrl = root.replace('//root@', '//clerk:the%20right%20one@');
  const everybody = (statement: string) =>
    Promise.all(
      ["'127.0.0.1'", 'localhost'].map((host) => server.query(`${statement.replace('HOST', host)}`)),
    );
  await everybody(`GRANT ALL ON ${new URL(root).pathname.slice(1)}.* TO clerk@HOST`);
  const { app } = await startService(t, server.engine, {
    databaseUrl,
    settings: { POOL_SIZE, WORKERS: 1 },
    hashing: quickHashing,
  });
  const id = await makeUser(app, 'ann', { admin: true });
  const client = await signedIn(app, 'ann');
  const read = async () => (await client.request('GET', `/api/users/${id}`)).statusCode;
  const write = async () => (await client.request('PATCH', `/api/users/${id}`, { name: 'Ann' })).statusCode;
  const kill = async (how: string) => {
    for (const connection of await server.connections(root)) {
      // It may have gone by itself.
      await server.query(`KILL ${how} ${connection}`).catch(() => {});
    }
  };

  await t.test('connections, by killing them, idle or at work, goes almost unnoticed', async (t) => {
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
    t.ok(answers.filter(({ status }) => status === 200).length > answers.length / 2, `${answers.length}`);
    // What remains: many changed one user at once, and a COMMIT that was killed may or may not have taken effect.
    for (const { status, detail } of answers) {
      if (status === 200 || status === 409) continue;
      t.equal(status, 503);
      t.match(detail, /Look whether the change was made/);
    }
    await kill('CONNECTION');
    t.strictSame(await Promise.all([read(), write(), read()]), [200, 200, 200], 'when idle, quite');
  });

  await t.test('more connections than it has gives 503, and passes', async (t) => {
    await kill('CONNECTION');
    const before = await server.query("SHOW VARIABLES LIKE 'max_connections'");
    await server.query('SET GLOBAL max_connections = 10');
    // Others have all of them; root has one more.
    const others = mysql.createPool({ uri: databaseUrl, connectionLimit: 30 });
    t.teardown(() => others.end().catch(() => {}));
    await until('others have all connections', async () => {
      const taken = await others.getConnection().catch(() => 'none is left');
      return taken === 'none is left' || undefined;
    });
    t.equal(await read(), 503);
    await others.end();
    await server.query(`SET GLOBAL max_connections = ${before[0]?.Value}`);
    t.equal(await read(), 200);
    t.equal(await write(), 200);
  });

  await t.test('writes during a failover gives 503 that says that nothing was changed', async (t) => {
    const version = (await app.db.users.find(id))?.version;
    await server.query('SET GLOBAL read_only = ON');
    const response = await client.request('PATCH', `/api/users/${id}`, { name: 'Anna' });
    t.equal(response.statusCode, 503);
    t.match(response.json().detail, /Nothing was changed/);
    t.equal(await read(), 200);
    await server.query('SET GLOBAL read_only = OFF');
    t.equal((await app.db.users.find(id))?.version, version);
    t.equal(await write(), 200);
  });

  await t.test('the password gives 503 for as long as it does', async (t) => {
    await everybody("ALTER USER clerk@HOST IDENTIFIED BY 'another one'");
    await kill('CONNECTION');
    const response = await client.request('GET', `/api/users/${id}`);
    t.equal(response.statusCode, 503);
    t.notMatch(response.payload, /clerk|password|denied/i);
    await everybody("ALTER USER clerk@HOST IDENTIFIED BY 'the right one'");
    t.equal(await read(), 200);
    t.strictSame(tally(await inParallel(4 * POOL_SIZE, 2 * POOL_SIZE, read)), { 200: 4 * POOL_SIZE });
    t.equal(await write(), 200);
    t.ok(await server.hasAtMost(POOL_SIZE, root));
  });
});
