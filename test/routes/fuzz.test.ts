/**
 * Random requests, made from the description of the API: no answer but those that it declares, and a sound database afterwards. The long
 * run sends a hundred thousand (test/long/fuzz.test.ts).
 */
import { type Test, test } from 'tap';
import { engines, onEachEngine, type TestEngine } from '../support/engines.ts';
import { FUZZ_SETTINGS, type FuzzOptions, fuzz } from '../support/fuzz/run.ts';
import { makeLog } from '../support/log.ts';
import { quickHashing, startService } from '../support/service.ts';

/** Starts a service. @returns it, and a function that sends random requests to it. */
async function startFuzzed(t: Test, engine: TestEngine) {
  const { log, lines: logged } = makeLog('error');
  const databaseUrl = await engine.makeDatabase(t);
  const options = { databaseUrl, hashing: quickHashing, settings: FUZZ_SETTINGS, log };
  const { app } = await startService(t, engine, options);
  const send = (more: Pick<FuzzOptions, 'seed' | 'requests' | 'deadline'>) =>
    fuzz(app, { databaseUrl, logged, ...more });
  return { app, send };
}

onEachEngine('Random requests from the description of the API', async (t, engine) => {
  await t.test('Every answer is as the description says, and the database is sound after them', async (t) => {
    const { send } = await startFuzzed(t, engine);
    const { faults, succeeded, done, operations } = await send({ seed: 21, requests: 2000 });
    t.equal(faults.join('\n\n'), '');
    t.ok(succeeded > 0.3, `${Math.round(succeeded * 100)} % of the requests succeeded`);
    const missed = operations.filter((id) => !done.has(id));
    t.ok(missed.length < operations.length / 10, `these never succeeded: ${missed.join(', ') || 'none'}`);
  });
});

/** The tests of what does not differ by the engine. */
const [engine] = engines;
if (!engine) throw new Error('SQLite is always available.');

test('The same seed sends the same requests, and another one others', async (t) => {
  const traceOf = async (seed: number) =>
    (await (await startFuzzed(t, engine)).send({ seed, requests: 100 })).trace;
  const trace = await traceOf(5);
  t.equal(trace.length, 100);
  t.strictSame(await traceOf(5), trace);
  t.notSame(await traceOf(6), trace);
});

test('A fault is reported with the seed, the request and the answer, without secrets', async (t) => {
  await t.test('An error of the service', async (t) => {
    const { app, send } = await startFuzzed(t, engine);
    t.capture(app.db.groups, 'page', async () => {
      throw new Error('broken');
    });
    const { faults } = await send({ seed: 3, requests: 2000 });
    const byUser = faults.find((fault) => /-X GET .*cookie: rollcall=/.test(fault)) ?? '';
    t.match(byUser, /^seed 3, request \d+, by .+\n/);
    t.match(byUser, /^GET \/api\/groups does not declare 500; these are: 200, 400, 401, 403, 429, 503\.$/m);
    t.match(byUser, /^An error was logged: .*broken/m);
    t.match(byUser, /^curl --path-as-is -X GET '[^']*\/api\/groups.* -H 'cookie: rollcall=…'/m);
    t.match(byUser, /^500 Internal Server Error\n/m);
    t.notMatch(faults.join(), /rollcall=\w|Bearer \w|rcc?_\w/);
    t.equal(faults.length, 10, 'it ends after ten');
  });

  await t.test('An answer that never comes', async (t) => {
    const { app, send } = await startFuzzed(t, engine);
    t.capture(app.db.groups, 'page', () => new Promise(() => {}));
    const { faults } = await send({ seed: 3, requests: 1000, deadline: 200 });
    t.match(faults[0], /There was no answer within 0\.2 seconds\.\n/);
  });
});
