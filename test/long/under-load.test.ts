/** Reloads, kills and stops under load, in large numbers (see test/support/under-load.ts). A small version is in test/cluster/. */
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Caller } from '../support/api.ts';
import { onEachEngine } from '../support/engines.ts';
import { Load } from '../support/load/index.ts';
import { childrenOf, descriptorCount, residentMemory } from '../support/memory.ts';
import { freePort } from '../support/mysql-server.ts';
import { manage, PROJECT, Server, startServer } from '../support/processes.ts';
import { type Environment, isAlive, until } from '../support/running.ts';
import {
  assertUnharmed,
  killPrimary,
  killWorker,
  prepareService,
  reload,
  stopUnderConnections,
} from '../support/under-load.ts';
import { startWrk } from '../support/wrk.ts';

const RELOADS = 20;
/** In milliseconds. */
const KILLING = 20_000;
const PRIMARIES = 5;
const STOPS = 10;
/** Starts that are killed while they migrate. */
const STARTS = 10;
/** Between two kills, in milliseconds. */
const INTERVAL = 200;
/** In milliseconds: no answer may take longer during reloads, and the service is back by then after kills. */
const BOUND = 1_000;

/** Between two requests of a client, in milliseconds. */
const PAUSE = 20;

/** What a process may have more after the reloads than before: descriptors, and memory in MB. A leak of one a reload is more. */
const LEVEL = { descriptors: 10, memory: 40 };

const descriptorsOf = ({ pid }: Server) => [pid, ...childrenOf(pid)].map(descriptorCount);
const memoryOf = ({ pid }: Server) => [pid, ...childrenOf(pid)].map(residentMemory);

onEachEngine(`${RELOADS} reloads under load`, async (t, engine) => {
  const { databaseUrl, start } = await prepareService(t, engine, { WORKERS: '2' });
  const server = await start();
  const ann = new Caller();
  t.equal(await ann.signIn(server.url, 'ann'), 200);
  // The threads that hash have the lowest priority. On processors that have no time left they delay sign-ins, whether there is a reload or not.
  const load = await Load.start({ urls: [server.url], databaseUrl, bound: BOUND, pause: PAUSE });
  await reload(server, load, 2);
  const before = { descriptors: descriptorsOf(server), memory: memoryOf(server) };
  const wrks = [
    startWrk(`${server.url}/api/users?limit=5`, [`Cookie: ${ann.cookie}`]),
    startWrk(`${server.url}/`, ['Connection: close']),
  ];
  await reload(server, load, RELOADS, 2);
  for (const end of wrks) {
    const { answers, failures } = await end();
    t.ok(answers > 1_000, `wrk had ${answers} answers`);
    t.same(failures, []);
  }
  await assertUnharmed(t, load);
  t.comment(`${load.successes} answers, the slowest after ${load.slowest} ms, ${load.writes} writes`);
  const after = { descriptors: descriptorsOf(server), memory: memoryOf(server) };
  t.comment(JSON.stringify({ before, after }));
  for (const measure of ['descriptors', 'memory'] as const)
    for (const [index, value] of after[measure].entries())
      t.ok(
        value <= (before[measure][index] ?? 0) + LEVEL[measure],
        `${measure} of process ${index}: ${value}`,
      );
});

onEachEngine(`kills of random workers under load for ${KILLING / 1_000} seconds`, async (t, engine) => {
  const { databaseUrl, environment, start } = await prepareService(t, engine, { WORKERS: '3' });
  const server = await start();
  const load = await Load.start({ urls: [server.url], databaseUrl });
  await load.answered(100);
  let kills = 0;
  for (const end = performance.now() + KILLING; performance.now() < end; kills++) {
    await killWorker(environment);
    await delay(INTERVAL);
  }
  const since = performance.now();
  await load.answered(1);
  const back = performance.now() - since;
  t.ok(back < BOUND, `${back} ms after the last kill, the service answers`);
  // An attempt to sign in whose worker was killed has no result, and counts (docs/passwords.md).
  await assertUnharmed(t, load, ['ECONNRESET', '429 with Retry-After']);
  t.comment(`${load.successes} answers, ${load.writes} writes, the longest gap ${load.longestGap} ms`);
  t.comment(JSON.stringify(load.kinds));
  t.ok(load.failures.length <= kills * 8, `by ${kills} kills, ${load.failures.length} requests failed`);
  t.same(
    server.log().filter(({ msg }) => msg === 'a worker could not start'),
    [],
  );
});

onEachEngine('kill -9 of the primary, again and again', async (t, engine) => {
  const { databaseUrl, start } = await prepareService(t, engine, { WORKERS: '2' });
  let server = await start();
  const load = await Load.start({ urls: [server.url], databaseUrl });
  for (let time = 0; time < PRIMARIES; time++) {
    await load.answered(100);
    server = await killPrimary(t, server, start);
  }
  await load.answered(100);
  await assertUnharmed(t, load, ['ECONNRESET', 'ECONNREFUSED']);
});

onEachEngine(`${STOPS} stops while new connections come`, async (t, engine) => {
  const { start } = await prepareService(t, engine, { WORKERS: '2' });
  let [answers, cuts] = [0, 0];
  for (let time = 0; time < STOPS; time++) {
    const { answered, cut, code } = await stopUnderConnections(await start(), 2_000);
    answers += answered;
    cuts += cut;
    t.equal(code, 0);
  }
  // One that comes in the instant of closing.
  t.ok(cuts <= STOPS, `${cuts} of ${answers} connections were cut off`);
});

onEachEngine('kill -9 during a start that migrates', async (t, engine) => {
  for (let time = 0; time < STARTS; time++) {
    const DATABASE_URL = await engine.makeDatabase(t);
    const environment = { DATABASE_URL, AUTO_MIGRATE: 'true', PORT: String(await freePort()), WORKERS: '2' };
    const starting = new Server(PROJECT, process.execPath, ['server.ts'], environment, 'ignore');
    await delay(randomInt(1_500));
    const workers = childrenOf(starting.pid);
    starting.child.kill('SIGKILL');
    await starting.exit;
    await until('the workers end', () => !workers.some(isAlive) || undefined, 2_000);
    if (engine.name === 'MySQL') await finishMigration(environment);
    const server = await startServer(t, { environment });
    t.equal((await fetch(`${server.url}/readyz`)).status, 200);
    t.equal((await manage(['db', 'check'], { environment })).code, 0);
    t.equal(server.output.stderr, '');
    await server.stop();
  }
});

/** Does what the service advises: MySQL can't tell whether the last statement of a killed migrator took effect. */
async function finishMigration(environment: Environment): Promise<void> {
  for (const how of [[], ['--unfinished', 'redo'], ['--unfinished', 'skip']])
    if ((await manage(['db', 'upgrade', ...how], { environment })).code === 0) return;
}
