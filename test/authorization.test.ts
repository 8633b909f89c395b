/**
 * The matrix of authorization: every route by every kind of caller, against a table. A route that is not in the table
 * fails the test, so that nobody adds one without saying who may use it.
 */
import { CALLERS, type Caller } from './support/cast.ts';
import { onEachEngine } from './support/engines.ts';
import { ROWS } from './support/permitted.ts';
import { namesOf, routesDuring } from './support/routes.ts';
import { prepare, routeOf } from './support/rows.ts';
import { quickHashing, startService } from './support/service.ts';

/** Whoever is refused leaves nothing behind; but a sign-in is told of, and a disabled user's session is removed. */
const leavesNothing = (status: number, path: string, caller: Caller) =>
  [401, 403].includes(status) && path !== '/api/sign/in' && caller !== 'disabled';

onEachEngine('who may do what', async (t, engine) => {
  const settings = { SIGN_UP: 'open' as const };
  const { routes, made } = await routesDuring(() =>
    startService(t, engine, { settings, hashing: quickHashing }),
  );
  const { app } = made;

  t.test('is written down for every route, and for no other', async (t) => {
    t.strictSame([...new Set(ROWS.map(routeOf))].sort(), namesOf(routes));
  });

  for (const row of ROWS) {
    const { method, path, body, status } = row;
    t.test(`${method} ${path} ${body ?? ''}`, async (t) => {
      for (const caller of CALLERS) {
        const send = await prepare(app, row, caller);
        const writes = t.capture(app.db, 'atomically', app.db.atomically);
        const response = await send();
        t.equal(response.statusCode, status(caller), `${caller}: ${response.payload}`);
        if (method === 'GET') t.equal((await send('HEAD')).statusCode, status(caller));
        if (!leavesNothing(response.statusCode, path, caller)) continue;
        // A list of which a condition does not hold gives that condition, and leaves nothing.
        const made = await Promise.all(writes().map((call) => ('returned' in call ? call.returned : null)));
        t.notOk(made.includes(undefined), `${caller} leaves nothing behind`);
      }
    });
  }
});
