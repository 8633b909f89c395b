/** The random steps of the model's test. Each step is a request and the verdict of the model about it. */
import { type Caller, type Made, NOTHING_MADE, type Verdict } from './model.ts';
import type { Scene } from './model-scene.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

export interface ModelRequest {
  method: (typeof METHODS)[number];
  path: string;
  caller: Caller;
  body?: object;
}

export interface ModelAnswer {
  status: number;
  body: string;
  /** The cookie that the answer sets, as a client sends it back; empty when it sets none. */
  cookie: string;
}

export interface ModelStep {
  request: ModelRequest;
  verdict: Verdict;
  /** @returns the part of the body that the model predicts. */
  read?: (body: string) => unknown;
}

/** Makes a step of that caller with objects of the scene. */
export type Maker = (scene: Scene, caller: Caller) => ModelStep;

export const ANONYMOUS: Caller = { cookie: null, bearer: null };

/** @param line the method and the path. */
export function step(
  caller: Caller,
  line: `${ModelRequest['method']} ${string}`,
  verdict: Verdict,
  { body, read }: { body?: object; read?: ModelStep['read'] } = {},
): ModelStep {
  const [verb, path = ''] = line.split(' ');
  const method = METHODS.find((each) => each === verb) ?? 'GET';
  return { request: { caller, method, path, ...(body ? { body } : {}) }, verdict, ...(read ? { read } : {}) };
}

/** @returns a maker, chosen by weight. */
export function chooseMaker({ random }: Scene, makers: readonly (readonly [number, Maker])[]): Maker {
  const total = makers.reduce((sum, [often]) => sum + often, 0);
  let left = random.next() * total;
  for (const [often, maker] of makers) {
    left -= often;
    if (left < 0) return maker;
  }
  throw new Error('There is no maker of steps.');
}

/** @returns the object that the request created, from its answer. */
export function madeBy({ body, cookie }: ModelAnswer): Made {
  if (body === '') return { ...NOTHING_MADE, cookie };
  const parsed: {
    id?: string;
    code?: string;
    secret?: string;
    reset?: { code: string };
    session?: { id: string };
  } = JSON.parse(body);
  const { id = '', secret = '', code = parsed.reset?.code ?? '', session } = parsed;
  return { id, code, secret, cookie, sessionId: session?.id ?? '' };
}
