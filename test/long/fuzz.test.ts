/** A hundred thousand random requests, made from the description of the API. A random seed finds more; a fault names it. */
import { onEachEngine } from '../support/engines.ts';
import { FUZZ_SETTINGS, fuzz } from '../support/fuzz/run.ts';
import { makeLog } from '../support/log.ts';
import { quickHashing, startService } from '../support/service.ts';

const REQUESTS = 100_000;

onEachEngine('A hundred thousand random requests', async (t, engine) => {
  await t.test('Every answer is as the description says, and the database is sound after them', async (t) => {
    const { log, lines: logged } = makeLog('error');
    const databaseUrl = await engine.makeDatabase(t);
    const options = { databaseUrl, hashing: quickHashing, settings: FUZZ_SETTINGS, log };
    const { app } = await startService(t, engine, options);
    const seed = Date.now() % 1e9;
    const report = await fuzz(app, { seed, requests: REQUESTS, databaseUrl, logged });
    const { faults, done, operations, slowest } = report;
    t.equal(faults.join('\n\n'), '', `with the seed ${seed}`);
    t.strictSame(
      operations.filter((id) => !done.has(id)),
      [],
      'each operation has succeeded',
    );
    // In milliseconds. This test runs alone, so nothing else makes an answer wait.
    t.ok(slowest < 1000, `no answer took longer than ${Math.ceil(slowest)} ms`);
  });
});
