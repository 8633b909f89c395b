/** A worker with more clients than it can serve answers or refuses all of them in time, new connections of probes included. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'tap';
import { Caller, makeDatabaseWith } from '../support/api.ts';
import { makeFolder, run, startServer } from '../support/processes.ts';
import { get, open } from '../support/sockets.ts';

const CLIENTS = 3_000;
const USERS = 100;
/** How long the load lasts, when it is first looked at, and the longest that anything may take then, in milliseconds. */
const DURATION = 20_000;
const PAUSE = 2_000;
const BOUND = 5_000;

/** Measures in a process of its own: this one is as busy as the service. */
const PROBE = `const began = performance.now();
  fetch(process.argv[1]).then(({ status }) => console.log(status, Math.round(performance.now() - began)))`;

test('A worker is overloaded by thousands of clients that do not wait', async (t) => {
  const databaseUrl = `sqlite:${join(makeFolder(t), 'rollcall.db')}`;
  await makeDatabaseWith(databaseUrl, ...Array.from({ length: USERS }, (_, number) => `user${number}`));
  const server = await startServer(t, { environment: { DATABASE_URL: databaseUrl, WORKERS: '1' } });
  const port = Number(new URL(server.url).port);
  const caller = new Caller();
  await caller.signIn(server.url, 'user1');
  const headers = { cookie: caller.cookie };
  const sockets = [];
  // The system drops what comes while too many wait to be accepted.
  while (sockets.length < CLIENTS)
    sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => open(port)))));

  const times: number[] = [];
  const statuses = new Map<number, number>();
  let isOver = false;
  const all = sockets.map(async (socket) => {
    while (!isOver) {
      const began = performance.now();
      const { status } = await get(socket, `/api/users?limit=${USERS}`, headers);
      if (status === 200) times.push(performance.now() - began);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  });
  await server.logs('the service is overloaded');
  // The turn in which it began is as long as it was.
  await delay(PAUSE);

  const probes: number[] = [];
  for (const end = performance.now() + DURATION; performance.now() < end; await delay(500)) {
    const { stdout } = await run('/', process.execPath, ['-e', PROBE, `${server.url}/readyz`]);
    const [status, time] = stdout.split(' ').map(Number);
    probes.push(time ?? Number.POSITIVE_INFINITY);
    if (status !== 200) t.fail(`/readyz answers ${status}`);
  }
  isOver = true;
  await Promise.all(all);
  times.sort((one, other) => one - other);
  const p99 = times[Math.floor(times.length * 0.99)] ?? 0;
  t.comment(`statuses ${JSON.stringify([...statuses])}, p99 of the served ${Math.round(p99)} ms`);
  t.comment(`probes on new connections: ${probes.join(' ')} ms`);
  t.strictSame([...statuses.keys()].sort(), [200, 503]);
  t.ok(p99 < BOUND, 'those that are served are served in time');
  const median = probes.toSorted((one, other) => one - other)[Math.floor(probes.length / 2)] ?? 0;
  t.ok(median < BOUND, 'and so are probes on new connections, as a rule');

  const [socket] = sockets;
  if (socket) t.equal((await get(socket, '/api/users', headers)).status, 200, 'afterwards all is served');
  for (const each of sockets) each.destroy();
  await server.logs('the service is no longer overloaded');
});
