/**
 * Two requests at the same moment, by a server with two workers: what is forbidden must not come of it, whichever is first. A hundred
 * rounds each, since what is wrong here shows in one round of ten or of eighty.
 */
import { onEachEngine } from '../support/engines.ts';
import { startProcesses } from '../support/model-services.ts';
import { RACES, runRace } from '../support/races.ts';
import { FALLS, runFall } from '../support/races-last.ts';
import { runSame, THINGS } from '../support/races-same.ts';

const ROUNDS = 100;

onEachEngine('two requests at once, beside two workers', async (t, engine) => {
  const service = await startProcesses(t, engine);
  for (const [name, race] of Object.entries(RACES))
    await t.test(name, async (t) => t.strictSame(await runRace(service, race, ROUNDS), []));
  for (const kind of Object.keys(THINGS))
    await t.test(`Two requests about the same ${kind} leave what the audit trail tells`, async (t) =>
      t.strictSame(await runSame(service, kind, 10 * ROUNDS), []),
    );
  for (const way of Object.keys(FALLS))
    await t.test(`One of the last two administrators is refused when both ${way} at once`, async (t) =>
      t.strictSame(await runFall(service, way, ROUNDS), []),
    );
});
