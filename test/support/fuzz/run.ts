/** Sends random requests, made from the description of the API, to a service, and reports every answer and every row that should not be. */
import { setTimeout as delay } from 'node:timers/promises';
import type { App } from '../../../app.ts';
import { Normalizer } from '../answers.ts';
import { Callers } from './callers.ts';
import { Api, type Description } from './description.ts';
import { brokenInvariants, contentOf } from './invariants.ts';
import { faultsOf } from './judge.ts';
import { Known } from './known.ts';
import { type Plan, plans } from './plan.ts';
import { answerText, curlOf, requestOf } from './request.ts';

/** What the service is started with. */
export const FUZZ_SETTINGS = { SIGN_UP: 'open', DOCS: true } as const;

export interface FuzzOptions {
  /** The same seed plans the same requests. */
  seed: number;
  requests: number;
  databaseUrl: string;
  /** The errors that the service has logged, each a line. */
  logged: string[];
  /** How long to wait for an answer, in milliseconds. */
  deadline?: number;
}

export interface FuzzReport {
  /** What was wrong, each with the request by which it was found. */
  faults: string[];
  /** How many answers had each status. */
  statuses: Map<number, number>;
  /** The share of answers of 2xx. */
  succeeded: number;
  /** The longest time until an answer, in milliseconds. */
  slowest: number;
  /** By their ids, the operations that succeeded, and all. */
  done: Set<string>;
  operations: string[];
  /** Each request and the status of its answer. Ids have numbers in the order in which they came. */
  trace: string[];
}

/** How many requests the callers' credentials serve before they are made good again. */
const RENEW_AFTER = 40;
/** In milliseconds. No answer takes so long, on a machine that has much else to do, but one that never comes. */
const DEADLINE = 30_000;
const MAX_FAULTS = 10;

class Run {
  readonly report: FuzzReport = {
    faults: [],
    statuses: new Map(),
    succeeded: 0,
    slowest: 0,
    done: new Set(),
    operations: [],
    trace: [],
  };
  readonly #app: App;
  readonly #api: Api;
  readonly #options: FuzzOptions;
  readonly #known = new Known();
  readonly #names = new Normalizer();
  readonly #callers: Callers;

  constructor(app: App, api: Api, options: FuzzOptions) {
    this.#app = app;
    this.#api = api;
    this.#options = options;
    this.#callers = new Callers(app, this.#known);
  }

  async send(plan: Plan, number: number): Promise<void> {
    if (number % RENEW_AFTER === 0) await this.#callers.renew();
    const request = requestOf(plan, number, this.#known, this.#callers);
    const curl = curlOf(request);
    const waiting = new AbortController();
    const { logged, deadline = DEADLINE } = this.#options;
    const hanging = delay(deadline, undefined, { signal: waiting.signal }).catch(() => undefined);
    const begin = performance.now();
    const answer = await Promise.race([this.#app.inject(request), hanging]);
    waiting.abort();
    this.report.slowest = Math.max(this.report.slowest, performance.now() - begin);

    const faults = logged.splice(0).map((line) => `An error was logged: ${line.trim()}`);
    if (!answer) {
      this.#add(number, plan, curl, '(none)', [`There was no answer within ${deadline / 1000} seconds.`]);
      return;
    }
    // As the service has got it: a URL is normalized on its way.
    const url = answer.raw.req.url ?? '';
    faults.push(...faultsOf(this.#api, plan.method, url, answer));
    if (faults.length > 0) this.#add(number, plan, curl, answerText(answer), faults);
    this.#count(plan, answer.statusCode);
    this.report.trace.push(this.#names.text(`${plan.caller}: ${curl} ${answer.statusCode}`));
    if (faults.length === 0) this.#known.learn(plan.operation, request.url, plan.caller, answer);
  }

  async finish(): Promise<FuzzReport> {
    const { faults, statuses } = this.report;
    const broken = brokenInvariants(await contentOf(this.#options.databaseUrl), this.#callers);
    faults.push(...broken.map((fault) => `seed ${this.#options.seed}, after all requests\n${fault}`));
    const all = [...statuses].reduce((sum, [, count]) => sum + count, 0);
    const good = [...statuses].reduce((sum, [status, count]) => sum + (status < 300 ? count : 0), 0);
    const operations = this.#api.operations.map(({ operationId }) => operationId);
    return { ...this.report, operations, succeeded: good / all };
  }

  #count({ operation, method }: Plan, status: number): void {
    const { statuses, done } = this.report;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (status < 300 && method === operation.method) done.add(operation.operationId);
  }

  #add(number: number, { caller }: Plan, curl: string, answer: string, faults: string[]): void {
    const head = `seed ${this.#options.seed}, request ${number}, by ${caller}`;
    this.report.faults.push([head, ...faults, '', curl, '', answer].join('\n'));
  }
}

/** Sends the requests one after the other, and reads the database at the end. It stops after some faults. */
export async function fuzz(app: App, options: FuzzOptions): Promise<FuzzReport> {
  const description: Description = (await app.inject('/openapi.json')).json();
  const api = new Api(description);
  const run = new Run(app, api, options);
  let number = 0;
  for (const plan of plans(api.operations, options.seed, options.requests)) {
    await run.send(plan, number++);
    if (run.report.faults.length >= MAX_FAULTS) break;
  }
  return run.finish();
}
