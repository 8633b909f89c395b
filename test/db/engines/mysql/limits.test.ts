/** When the server enforces a limit of its own, such as a maximum statement time, the answer must be 503 and not 500. */
import mysql from 'mysql2/promise';
import { FAST_FLAGS, onOwnServer } from '../../../support/own-server.ts';
import { makeUser, signedIn, startService } from '../../../support/service.ts';

onOwnServer('A statement over the time limit of the server gives 503', FAST_FLAGS, async (t, server) => {
  const databaseUrl = await server.makeDatabase();
  const first = await startService(t, server.engine, { databaseUrl });
  const id = await makeUser(first.app, 'ann', { admin: true });
  // MariaDB's variable, then MySQL's.
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
