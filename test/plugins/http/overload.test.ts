/** Under overload, a service that listens refuses what it can't answer soon. Probes are answered, and a slow second refuses nothing. */
import { test } from 'tap';
import { engines } from '../../support/engines.ts';
import { makeLog } from '../../support/log.ts';
import { until } from '../../support/running.ts';
import { startService } from '../../support/service.ts';
import { get, listen, open } from '../../support/sockets.ts';

const CLIENTS = 40;
/** How long a request keeps the event loop, in milliseconds. */
const COST = 25;

test('A service refuses requests under overload alone, and answers probes', async (t) => {
  const [engine] = engines;
  if (!engine) throw new Error('SQLite is always available.');
  const { log, lines } = makeLog();
  const { app } = await startService(t, engine, { log });
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  app.addRequestLoader('slow', () => {
    Atomics.wait(sleeper, 0, 0, COST);
    return undefined;
  });
  const port = await listen(app);
  const sockets = await Promise.all(Array.from({ length: CLIENTS }, () => open(port)));
  const watcher = await open(port);
  t.teardown(() => {
    for (const socket of [watcher, ...sockets]) socket.destroy();
  });

  await t.test('One second in which all is slow refuses nothing', async (t) => {
    const answers = await Promise.all(sockets.map((socket) => get(socket, '/api/users')));
    t.strictSame([...new Set(answers.map(({ status }) => status))], [401]);
  });

  await t.test('Requests that never pause are refused in part, and probes are answered', async (t) => {
    const counts = { served: 0, refused: 0 };
    const wrong: unknown[] = [];
    let isOver = false;
    const all = sockets.map(async (socket) => {
      while (!isOver) {
        const { status, headers, body } = await get(socket, '/api/users');
        const { type } = JSON.parse(body);
        if (status === 401) counts.served++;
        else if (type === 'urn:rollcall:problem:overloaded' && headers['retry-after'] === '1')
          counts.refused++;
        else wrong.push(body);
      }
    });
    await until('requests are refused', () => counts.refused > CLIENTS || undefined);
    const served = counts.served;
    for (const path of ['/livez', '/readyz']) t.equal((await get(watcher, path)).status, 200, path);
    await until('others are served all the while', () => counts.served > served || undefined);
    isOver = true;
    await Promise.all(all);
    t.strictSame(wrong, []);
    t.equal(app.overload.refused, counts.refused, 'each refusal is counted');
  });

  await t.test('Once the load is gone, requests are served at once', async (t) => {
    for (const socket of sockets.slice(0, 5)) t.equal((await get(socket, '/api/users')).status, 401);
  });

  await t.test('The log has a line when it begins and one when it ends', async (t) => {
    const warnings = () => lines.map((line) => JSON.parse(line)).filter(({ level }) => level >= 40);
    await until('the end is logged', () => warnings().length > 1 || undefined);
    t.match(warnings(), [
      { level: 40, msg: /^the service is overloaded/ },
      { level: 40, msg: 'the service is no longer overloaded', refused: app.overload.refused },
    ]);
    t.equal(warnings().length, 2);
  });
});
