/**
 * Some hundred random steps against a small model of docs/authorization.md, by two instances of the service on one database. The
 * long run (test/long/model.test.ts) takes twenty thousand, against real processes.
 */
import { onEachEngine } from '../support/engines.ts';
import { planOf, runModel } from '../support/model-run.ts';
import { startInProcess } from '../support/model-services.ts';

onEachEngine('the model of who may do what', async (t, engine) => {
  await t.test('agrees with every answer and with the whole database after each random step', async (t) => {
    const { service } = await startInProcess(t, engine);
    const tally = await runModel(t, service, planOf(500, 10));
    t.ok(tally.size > 40, `${tally.size} kinds of answers came`);
  });
});
