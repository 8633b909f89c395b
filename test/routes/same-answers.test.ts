/**
 * Clients get the same responses from every engine. One list of requests is sent to one app for each engine, and the responses
 * are compared byte by byte.
 */
import { test } from 'tap';
import type { App } from '../../app.ts';
import { answersOf } from '../support/answers.ts';
import { engines } from '../support/engines.ts';
import { parse } from '../support/request.ts';
import { STEPS } from '../support/requests.ts';
import { namesOf, routesDuring } from '../support/routes.ts';
import { routesToList } from '../support/rows.ts';
import { quickHashing, startService } from '../support/service.ts';

test('Every engine gives the same responses', async (t) => {
  const apps = new Map<string, App>();
  const { routes } = await routesDuring(async () => {
    for (const engine of engines)
      apps.set(engine.name, (await startService(t, engine, { hashing: quickHashing })).app);
  });

  t.test('The list of requests covers every route of its blueprints', async (t) => {
    const sent = STEPS.map(({ send }) => parse(send));
    for (const { method, url } of routes.filter(
      (route) => routesToList(STEPS, namesOf([route])).length > 0,
    )) {
      const pattern = new RegExp(`^${url.replace(/:\w+/g, '[^/]+').replace(/\/$/, '/?')}(\\?.*)?$`);
      for (const each of [method].flat()) {
        if (each === 'OPTIONS') continue;
        t.ok(
          sent.some(({ method, path }) => method === each && pattern.test(path)),
          `${each} ${url}`,
        );
      }
    }
  });

  const all = await Promise.all(
    [...apps].map(async ([name, app]) => ({ name, answers: await answersOf(app) })),
  );
  const [first, ...others] = all;
  t.test('Every response has the status in the list', async (t) => {
    for (const [index, { status }] of STEPS.entries()) {
      const answer = first?.answers[index];
      t.equal(answer?.status, status, `${answer?.step.slice(0, 100)}: ${answer?.status}`);
    }
  });
  for (const { name, answers } of others) {
    t.test(`${name} gives the same bytes as ${first?.name}`, async (t) => {
      for (const [index, answer] of answers.entries()) {
        t.strictSame(answer, first?.answers[index], answer.step.slice(0, 100));
      }
    });
  }
});
