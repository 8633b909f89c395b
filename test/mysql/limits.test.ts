/** A server that is at a limit of its own, such as the time that a statement may take, is not a fault of the service's. */
import mysql from 'mysql2/promise';
import { HASTY, onOwnServer } from '../support/own-server.ts';
import { makeUser, signedIn, startService } from '../support/service.ts';

onOwnServer('a server that limits the time of statements', HASTY, async (t, server) => {
  const databaseUrl = await server.makeDatabase();
  const first = await startService(t, server.engine, { databaseUrl });
  const id = await makeUser(first.app, 'ann', { admin: true });
  // MariaDB's words, and MySQL's.
  await server
    .query('SET GLOBAL max_statement_time = 0.3')
    .catch(() => server.query('SET GLOBAL max_execution_time = 300'));
  const { app } = await startService(t, server.engine, { databaseUrl });
  const client = await signedIn(app, 'ann');
  const holder = await mysql.createConnection(databaseUrl);
  t.teardown(() => holder.destroy());
  await holder.query('LOCK TABLES users WRITE, sessions READ');

  const response = await client.request('GET', `/api/users/${id}`);
  t.equal(response.statusCode, 503);
  t.equal(response.headers['retry-after'], '1');
  await holder.query('UNLOCK TABLES');
  t.equal((await client.request('GET', `/api/users/${id}`)).statusCode, 200);
});
