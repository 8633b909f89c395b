/** The number of connections to the server is limited by POOL_SIZE, and idle connections are kept. */
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { test } from 'tap';
import { makeSecret } from '../../../../config/secret.ts';
import { query } from '../../../support/database-content.ts';
import { engines } from '../../../support/engines.ts';
import { manage, startServer } from '../../../support/processes.ts';
import { until } from '../../../support/running.ts';
import { makeUser, signedIn, startService } from '../../../support/service.ts';

/** @returns the ids of the connections to that database, without the one of this query. */
async function connections(url: string, running = ''): Promise<number[]> {
  const rows = await query(
    url,
    `SELECT ID AS id FROM information_schema.PROCESSLIST
     WHERE DB = DATABASE() AND ID <> CONNECTION_ID() AND COALESCE(INFO, '') LIKE '${running}%'`,
  );
  return rows.map(({ id }) => Number(id));
}

for (const engine of engines.filter(({ name }) => name === 'MySQL')) {
  test('A pool of one connection keeps that connection', async (t) => {
    const { app, settings } = await startService(t, engine, { settings: { POOL_SIZE: 1, WORKERS: 1 } });
    await makeUser(app, 'ann');
    const client = await signedIn(app, 'ann');
    const before = await connections(settings.DATABASE_URL);
    t.equal(before.length, 1);
    // Time itself is tested: mysql2 looks for idle connections once a second, and keeping one is no event.
    await delay(2_200);
    t.strictSame(await connections(settings.DATABASE_URL), before);
    t.equal((await client.request('GET', '/api/users')).statusCode, 200);
    t.strictSame(await connections(settings.DATABASE_URL), before);
  });

  test('A server on the same machine can be reached by its Unix socket', async (t) => {
    const url = new URL(await engine.makeDatabase(t));
    const [server] = await query(url.href, 'SELECT @@socket AS socket');
    const socket = String(server?.socket);
    if (!existsSync(socket)) return t.comment(`Skipped: there is no socket ${socket} on this machine.`);
    url.port = '1';
    url.searchParams.set('socketPath', socket);
    const environment = { DATABASE_URL: url.href };
    t.match(await manage(['db', 'current'], { environment }), {
      code: 0,
      stdout: /^no migration is applied$/m,
    });
    return undefined;
  });

  test('Workers share the connections of POOL_SIZE', async (t) => {
    const url = await engine.makeDatabase(t);
    const server = await startServer(t, {
      environment: {
        DATABASE_URL: url,
        AUTO_MIGRATE: 'true',
        WORKERS: '2',
        POOL_SIZE: '5',
        SECRET_KEY: makeSecret(),
      },
    });
    const holder = await mysql.createConnection(url);
    t.teardown(() => holder.destroy());
    await holder.query('LOCK TABLES users WRITE');
    const answers: Promise<number>[] = [];
    const signIn = async () => {
      const response = await fetch(new URL('/api/sign/in', server.url), {
        method: 'POST',
        headers: { 'content-type': 'application/json', connection: 'close' },
        // A different name each time, because attempts are throttled by name.
        body: JSON.stringify({ username: `unknown-${answers.length}`, password: 'correct horse battery' }),
      });
      return response.status;
    };
    // Sign-ins are started until both workers use all of their connections.
    await until('all connections wait for the lock', async () => {
      for (let n = 0; n < 8 && answers.length < 64; n++) answers.push(signIn());
      return (await connections(url, 'select')).length >= 4 || undefined;
    });
    t.equal(
      (await connections(url, 'select')).length,
      4,
      'each of two workers has two of the five connections',
    );
    await holder.query('UNLOCK TABLES');
    for (const status of await Promise.all(answers)) t.ok([401, 503].includes(status), `status ${status}`);
    t.equal((await server.stop()).code, 0);
  });
}
