/**
 * The authorization matrix: every route is called by every kind of caller, and the statuses are compared with a table. A
 * new route of a blueprint in the table fails the test until the table has it.
 */
import { CALLERS, type Caller } from '../support/cast.ts';
import { onEachEngine } from '../support/engines.ts';
import { ROWS } from '../support/permitted.ts';
import { namesOf, routesDuring } from '../support/routes.ts';
import { prepare, routeOf, routesToList } from '../support/rows.ts';
import { quickHashing, startService } from '../support/service.ts';

/** A refused request writes nothing, with two exceptions: a sign-in is audited, and a disabled user's session is removed. */
const writesNothing = (status: number, send: string, caller: Caller) =>
  [401, 403].includes(status) && send !== 'POST /api/sign/in' && caller !== 'disabled';

onEachEngine('Every route answers every caller as the authorization matrix says', async (t, engine) => {
  const settings = { SIGN_UP: 'open' as const };
  const { routes, made } = await routesDuring(() =>
    startService(t, engine, { settings, hashing: quickHashing }),
  );
  const { app } = made;

  t.test('The authorization matrix lists exactly the routes of its blueprints', async (t) => {
    t.strictSame([...new Set(ROWS.map(routeOf))].sort(), routesToList(ROWS, namesOf(routes)));
  });

  for (const row of ROWS) {
    const { send: request, body, answers } = row;
    t.test(
      `${request} ${body ? JSON.stringify(body) : ''} answers each caller with the status in the matrix`,
      async (t) => {
        for (const caller of CALLERS) {
          const send = await prepare(app, row, caller);
          const writes = t.capture(app.db, 'atomically', app.db.atomically);
          const response = await send();
          t.equal(response.statusCode, answers[caller], `${caller}: ${response.payload}`);
          if (request.startsWith('GET ')) t.equal((await send('HEAD')).statusCode, answers[caller]);
          if (!writesNothing(response.statusCode, request, caller)) continue;
          // A transaction whose precondition fails returns that precondition and writes nothing.
          const made = await Promise.all(writes().map((call) => ('returned' in call ? call.returned : null)));
          t.notOk(made.includes(undefined), `${caller} writes nothing`);
        }
      },
    );
  }
});
