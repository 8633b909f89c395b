/**
 * What follows from the declaration of a route alone holds for every route, also for those of a new blueprint: who is not signed in
 * gets 401, nothing of the body's own example is wrong, a field more is refused, and a read makes at most two round trips to MySQL.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { RouteOptions } from 'fastify';
import { setScene } from '../support/cast.ts';
import { onEachEngine } from '../support/engines.ts';
import { namesOf, routesDuring } from '../support/routes.ts';
import { quickHashing, startService } from '../support/service.ts';
import { noteStatements } from '../support/statements.ts';

/** @returns the example of a request body, or undefined when the route takes none. */
function exampleOf({ schema }: RouteOptions): object | undefined {
  const body: unknown = schema?.body;
  if (typeof body !== 'object' || body === null || !('examples' in body)) return undefined;
  const [example]: unknown[] = Array.isArray(body.examples) ? body.examples : [];
  return typeof example === 'object' && example !== null ? example : undefined;
}

onEachEngine('Every route keeps what it declares', async (t, engine) => {
  const { routes, made } = await routesDuring(() =>
    startService(t, engine, { settings: { SIGN_UP: 'open' }, hashing: quickHashing }),
  );
  const { app } = made;
  const statements = noteStatements(t);
  const requests = routes.flatMap((route) =>
    [route.method].flat().map((method) => {
      const payload = exampleOf(route);
      const url = route.url.replaceAll(/:\w+/g, () => randomUUIDv7());
      const isOpen = Boolean(route.config?.anonymous);
      return { method, url, isOpen, name: `${method} ${route.url}`, ...(payload ? { payload } : {}) };
    }),
  );
  t.ok(requests.length > namesOf(routes).length, 'HEAD is among them');

  await t.test(
    'Nobody passes without a living session or token, unless the route serves anyone',
    async (t) => {
      const callers = [
        await setScene(app, 'anonymous', 'tea:make'),
        await setScene(app, 'disabled', 'tea:make'),
      ];
      for (const { name, isOpen, ...request } of requests) {
        for (const { send } of callers) {
          const { statusCode, payload } = await send(request);
          // Signing in with the example of the description is refused as well.
          if (!isOpen) t.equal(statusCode, 401, `${name}: ${payload}`);
        }
      }
    },
  );

  await t.test('A body with a field more than the route declares is refused', async (t) => {
    const { send } = await setScene(app, 'administrator', 'tea:make');
    const withBody = requests.filter(({ payload }) => payload);
    t.ok(withBody.length >= 10);
    for (const { name, isOpen: _, ...request } of withBody) {
      const response = await send({ ...request, payload: { ...request.payload, unheardOf: 1 } });
      t.equal(response.statusCode, 400, `${name}: ${response.payload}`);
      const [wrong, ...others] = response.json().errors;
      t.match(wrong, { pointer: '/unheardOf', code: 'unknown' });
      t.same(others, [], `${name}: nothing of the example is wrong`);
    }
  });

  await t.test('A read makes at most two round trips to MySQL and repeats no statement', async (t) => {
    const { send } = await setScene(app, 'administrator', 'tea:make');
    // So that a list has two items, where the example may be given twice.
    for (const { name: _name, isOpen, ...request } of requests)
      for (let times = 0; times < 2; times++) if (!isOpen && request.method === 'POST') await send(request);
    for (const { name, isOpen: _, ...request } of requests.filter(({ method }) => method === 'GET')) {
      statements();
      const { statusCode, payload } = await send(request);
      t.match(statusCode, /^(20|404)/, `${name}: ${payload}`);
      const texts = statements();
      t.equal(new Set(texts).size, texts.length, `${name} repeats no statement`);
      if (engine.name === 'MySQL') t.ok(texts.length <= 2, `${name}: ${texts.length} statements`);
    }
  });
});
