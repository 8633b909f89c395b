/**
 * Twenty thousand random steps against a small model of docs/authorization.md, by a server with two workers, as `npm start` runs it.
 * Rare meetings of circumstances, such as a code whose issuer's token was ended, come up often enough only in so many.
 */
import { onEachEngine } from '../support/engines.ts';
import { planOf, runModel } from '../support/model-run.ts';
import { startProcesses } from '../support/model-services.ts';
import { hasTokens } from '../support/optional.ts';

/** Each must have come up, or the steps no longer reach what they are for. */
const MUST_COME_UP = [
  'POST /api/users/:id/reset 201',
  'POST /api/sign/reset 204',
  'POST /api/sign/reset 400',
  ...(hasTokens ? ['POST /api/tokens 201'] : []),
  'PATCH /api/users/:id 409',
  'DELETE /api/users/:id 409',
  'PATCH /api/groups/:id 409',
  'DELETE /api/groups/:id 409',
  'DELETE /api/groups/:id/members/:id 409',
];

onEachEngine('the model of who may do what, beside two workers', async (t, engine) => {
  const plan = planOf(20_000, 20);
  await t.test('agrees with every answer and with the whole database after each random step', async (t) => {
    const service = await startProcesses(t, engine);
    const isWhole = plan.steps >= 20_000;
    const tally = await runModel(t, service, { ...plan, mustComeUp: isWhole ? MUST_COME_UP : [] });
    if (!isWhole) return;
    for (const kind of MUST_COME_UP) t.ok(tally.has(kind), `${kind} came up`);
  });
});
