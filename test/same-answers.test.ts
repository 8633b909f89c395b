/**
 * Clients get the same responses from every engine. One list of requests is sent to one app for each engine, and the responses
 * are compared byte by byte. Ids and times differ, so placeholders replace them.
 */
import type { LightMyRequestResponse } from 'fastify';
import { test } from 'tap';
import type { App } from '../app.ts';
import { nextMillisecond } from './support/clock.ts';
import { engines } from './support/engines.ts';
import { parse, STEPS } from './support/requests.ts';
import { routesDuring } from './support/routes.ts';
import { Client, makeUser, quickHashing, startService } from './support/service.ts';

interface Answer {
  step: string;
  status: number;
  headers: Record<string, unknown>;
  body: string;
}

const IDS = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIMES = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;

/** Replaces values that differ between runs by placeholders. The same id gets the same placeholder. */
class Normalizer {
  readonly #names = new Map<string, string>();

  #nameOf(id: string): string {
    const name = this.#names.get(id) ?? `id ${this.#names.size}`;
    this.#names.set(id, name);
    return name;
  }

  text(text: string): string {
    return text
      .replace(/"requestId":"[^"]*"/g, '"requestId":"…"')
      .replace(/(rollcall[\w-]*|session|sid)=[^;]+/i, '$1=…')
      .replace(/"next":"[\w-]{49,}"/, '"next":"…"')
      .replace(/after=[\w-]{49,}/, 'after=…')
      .replace(IDS, (id) => this.#nameOf(id))
      .replace(TIMES, 'time')
      .replace(/\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT/, 'date');
  }

  answer(step: string, response: LightMyRequestResponse): Answer {
    const { date: _date, 'x-request-id': _id, 'request-id': _other, ...headers } = response.headers;
    const texts = Object.entries(headers).map(([name, value]) => [name, this.text(String(value))]);
    return {
      step,
      status: response.statusCode,
      headers: Object.fromEntries(texts),
      body: this.text(response.payload),
    };
  }
}

async function answersOf(app: App): Promise<Answer[]> {
  const chief = await makeUser(app, 'chief', { admin: true });
  const ids = new Map<string, string>([['chief', chief]]);
  const clients = new Map<string, Client>();
  const normalizer = new Normalizer();
  const answers: Answer[] = [];
  for (const { by, send, body, headers, as } of STEPS) {
    await nextMillisecond();
    const client = clients.get(by) ?? new Client(app);
    clients.set(by, client);
    const { method, path } = parse(send);
    const url = path.replace(/\{(\w+)\}/g, (_all, name: string) => ids.get(name) ?? 'nothing');
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const response = await client.request(method, url, payload, { ...json, ...headers });
    if (as && response.statusCode === 201) ids.set(as, String(response.json().id));
    answers.push(normalizer.answer(`${by}: ${send} ${JSON.stringify(body) ?? ''}`, response));
  }
  return answers;
}

test('Every engine gives the same responses', async (t) => {
  const apps = new Map<string, App>();
  const { routes } = await routesDuring(async () => {
    for (const engine of engines)
      apps.set(engine.name, (await startService(t, engine, { hashing: quickHashing })).app);
  });

  t.test('The list of requests covers every route', async (t) => {
    const sent = STEPS.map(({ send }) => parse(send));
    for (const { method, url } of routes) {
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
