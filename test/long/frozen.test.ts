/** The database server freezes for ten seconds, under a load that checks each answer. Answers are bounded, and it goes on at once. */
import { setTimeout as delay } from 'node:timers/promises';
import { makeSecret } from '../../config/secret.ts';
import { Load } from '../support/load/index.ts';
import { FAST_FLAGS, onOwnServer } from '../support/own-server.ts';
import { startServer } from '../support/processes.ts';

/** In milliseconds: the longest that the server may hold up a request, and how long it is frozen. */
const BOUND = 8_000;
const FROZEN = 10_000;
const REQUESTS = 500;

onOwnServer('A host survives a server that is frozen for ten seconds', FAST_FLAGS, async (t, server) => {
  const databaseUrl = await server.makeDatabase();
  const environment = {
    DATABASE_URL: databaseUrl,
    WORKERS: '2',
    AUTO_MIGRATE: 'true',
    SECRET_KEY: makeSecret(),
  };
  const host = await startServer(t, { environment });
  const load = await Load.start({ urls: [host.url], databaseUrl, clients: 100, bound: BOUND });
  await load.answered(REQUESTS);
  await server.kill('SIGSTOP');
  // Time itself is tested.
  await delay(FROZEN);
  const thawed = performance.now();
  await server.kill('SIGCONT');
  await load.answered(1);
  const recovery = performance.now() - thawed;
  await load.answered(REQUESTS);
  t.comment(
    `${load.successes} answers, ${JSON.stringify(load.kinds)}, slowest ${load.slowest}, again after ${recovery} ms`,
  );
  t.strictSame(await load.stop(), []);
  t.strictSame(
    Object.keys(load.kinds).filter((kind) => kind !== '503 with Retry-After'),
    [],
  );
  for (const line of ['the database can not be read', 'the database can be read again'])
    t.equal((await host.logs(line, 1)).length, 1, line);
  t.ok(recovery < 2_000, `again after ${recovery} ms`);
});
