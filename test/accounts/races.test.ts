/**
 * Two requests at the same moment, by two instances of the service on one database: what is forbidden must not come of it, whichever
 * is first. A few rounds each, a dozen where both want the same thing; test/long/races.test.ts has a hundred of them beside real workers.
 */
import { onEachEngine } from '../support/engines.ts';
import { startInProcess } from '../support/model-services.ts';
import { RACES, runRace } from '../support/races.ts';
import { FALLS, runFall } from '../support/races-last.ts';
import { runSame, THINGS } from '../support/races-same.ts';

/** Each of them begins another number of turns after the other request. */
const ROUNDS = 4;

onEachEngine('two requests at once', async (t, engine) => {
  const { service } = await startInProcess(t, engine);
  for (const [name, race] of Object.entries(RACES))
    await t.test(name, async (t) => t.strictSame(await runRace(service, race, ROUNDS), []));
  for (const kind of Object.keys(THINGS))
    await t.test(`Two requests about the same ${kind} leave what the audit trail tells`, async (t) =>
      t.strictSame(await runSame(service, kind, 3 * ROUNDS), []),
    );
  for (const way of Object.keys(FALLS))
    await t.test(`One of the last two administrators is refused when both ${way} at once`, async (t) =>
      t.strictSame(await runFall(service, way, ROUNDS), []),
    );
});
