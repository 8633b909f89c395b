/** Sends the list of requests (requests.ts) to a service, and makes its responses comparable: ids and times become placeholders. */
import type { LightMyRequestResponse } from 'fastify';
import type { App } from '../../app.ts';
import { parse } from './request.ts';
import { STEPS } from './requests.ts';
import { Client, makeUser } from './service.ts';

export interface Answer {
  step: string;
  status: number;
  headers: Record<string, unknown>;
  body: string;
}

const IDS = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIMES = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;

/** Replaces values that differ between runs by placeholders. The same id gets the same placeholder. */
export class Normalizer {
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

/** Sends the list of requests to the app, whose database must be empty. @returns the responses, comparable with those of another app. */
export async function answersOf(app: App): Promise<Answer[]> {
  const chief = await makeUser(app, 'chief', { admin: true });
  const ids = new Map<string, string>([['chief', chief]]);
  const clients = new Map<string, Client>();
  const normalizer = new Normalizer();
  const answers: Answer[] = [];
  for (const { by, send, body, headers, as } of STEPS) {
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
