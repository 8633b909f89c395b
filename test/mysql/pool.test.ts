/** How many connections the service has to its server, of which others want some, too; and for how long it keeps them. */
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { test } from 'tap';
import { makeSecret } from '../../config/secret.ts';
import { engines } from '../support/engines.ts';
import { ask } from '../support/migrations.ts';
import { manage, startServer, until } from '../support/processes.ts';
import { makeUser, signedIn, startService } from '../support/service.ts';

/** @returns the ids of the connections to that database but the one that asks. */
async function connections(url: string, running = ''): Promise<number[]> {
  const rows = await ask(
    url,
    `SELECT ID AS id FROM information_schema.PROCESSLIST
     WHERE DB = DATABASE() AND ID <> CONNECTION_ID() AND COALESCE(INFO, '') LIKE '${running}%'`,
  );
  return rows.map(({ id }) => Number(id));
}

for (const engine of engines.filter(({ name }) => name === 'MySQL')) {
  test('a pool of one keeps its connection', async (t) => {
    const { app, settings } = await startService(t, engine, { settings: { POOL_SIZE: 1, WORKERS: 1 } });
    await makeUser(app, 'ann');
    const client = await signedIn(app, 'ann');
    const before = await connections(settings.DATABASE_URL);
    t.equal(before.length, 1);
    // What mysql2 does with idle connections it does each second.
    await delay(2_200);
    t.strictSame(await connections(settings.DATABASE_URL), before);
    t.equal((await client.request('GET', '/api/users')).statusCode, 200);
    t.strictSame(await connections(settings.DATABASE_URL), before);
  });

  test('a server on this machine can be reached by its socket', async (t) => {
    const url = new URL(await engine.makeDatabase(t));
    const [server] = await ask(url.href, 'SELECT @@socket AS socket');
    const socket = String(server?.socket);
    if (!existsSync(socket)) return t.comment(`Left out: there is no socket ${socket} on this machine.`);
    url.port = '1';
    url.searchParams.set('socketPath', socket);
    const environment = { DATABASE_URL: url.href };
    t.match(await manage(['db', 'current'], { environment }), {
      code: 0,
      stdout: /^no migration is applied$/m,
    });
    return undefined;
  });

  test('workers share the connections', async (t) => {
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
        // Another name each time: of one name not so many attempts are let pass.
        body: JSON.stringify({ username: `nobody-${answers.length}`, password: 'correct horse battery' }),
      });
      return response.status;
    };
    // More than there are connections for, until each worker has been given so many.
    await until('all connections wait', async () => {
      for (let n = 0; n < 8 && answers.length < 64; n++) answers.push(signIn());
      return (await connections(url, 'select')).length >= 4 || undefined;
    });
    t.equal((await connections(url, 'select')).length, 4, 'two each, of five');
    await holder.query('UNLOCK TABLES');
    for (const status of await Promise.all(answers)) t.ok([401, 503].includes(status), `${status}`);
    t.equal((await server.stop()).code, 0);
  });
}
