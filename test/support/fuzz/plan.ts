/** Plans random requests for each operation: valid ones, and ones of which one or two parts are odd. A plan names nothing that it can't know before. */
import fc from 'fast-check';
import { CALLERS } from './callers.ts';
import type { Operation } from './description.ts';
import { oddBytes, oddHeader, oddParts, oddQuery, oddValues } from './odd.ts';
import { RawText, Reference, valuesOf } from './values.ts';

/** Where values stand that may be references. */
export interface Plan {
  operation: Operation;
  method: string;
  caller: string;
  /** Which of a few networks it comes from. */
  network: number;
  params: Record<string, unknown>;
  query: [string, unknown][];
  headers: Record<string, unknown>;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is. */
  bytes?: string | Buffer;
}

type Change = (plan: Plan) => Plan;

/** The `If-Match` that names the version which the caller last saw. */
const SEEN_VERSION = new Reference('version', 0);

/** @returns the kind of thing that the id of that name is of: in `/api/users/{id}` and of `userId` it is users. */
function kindOf(name: string, path: string): string {
  if (name === 'id') return /(\w+)\/\{id\}/.exec(path)?.[1] ?? '';
  if (name === 'after') return `after ${path}`;
  return ['actor', 'target'].includes(name) ? 'users' : `${name.replace(/Id$/, '')}s`;
}

/** @returns values for the parameters of that part of the request; each that is not required is there or not. */
function parametersOf({ parameters = [], operationId, path }: Operation, part: string) {
  const ours = parameters.filter((parameter) => parameter.in === part);
  const values = ours.map(({ name, schema }) => {
    const place = { operationId, name, kind: kindOf(name, path) };
    return [name, name === 'if-match' ? fc.constant(SEEN_VERSION) : valuesOf(schema, place)] as const;
  });
  const requiredKeys = ours.filter(({ required }) => required).map(({ name }) => name);
  return fc.record<Record<string, unknown>>(Object.fromEntries(values), { requiredKeys });
}

const names = Object.keys(CALLERS);
const mighty = ['administrator', 'token of an administrator'].filter((name) => names.includes(name));
const caller = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...mighty) },
  { weight: 2, arbitrary: fc.constantFrom(...names) },
);

function validPlans(operation: Operation): fc.Arbitrary<Plan> {
  const { operationId, method, requestBody } = operation;
  const schema = requestBody?.content['application/json']?.schema;
  const body = schema ? { body: valuesOf(schema, { operationId, name: '', kind: '' }) } : {};
  return fc.record({
    operation: fc.constant(operation),
    method: fc.constant(method),
    caller,
    network: fc.nat(3),
    params: parametersOf(operation, 'path'),
    query: parametersOf(operation, 'query').map((made) => Object.entries(made)),
    headers: parametersOf(operation, 'header'),
    ...body,
  });
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** @returns the object with the value in the place of one of its fields, or as one more. */
function withField(object: unknown, nth: number, value: unknown): unknown {
  if (typeof object !== 'object' || object === null) return value;
  const fields = [...Object.keys(object), 'more'];
  return { ...object, [fields[nth % fields.length] ?? 'more']: value };
}

/** @returns the object without one of its fields. */
function withoutField(object: unknown, nth: number): unknown {
  const fields = Object.entries(Object(object));
  return Object.fromEntries(fields.toSpliced(nth % Math.max(1, fields.length), 1));
}

const withParams = (plan: Plan, params: Record<string, unknown>) => ({
  ...plan,
  params: { ...plan.params, ...params },
});

/** Each makes one part of a plan odd. */
const oddChanges: fc.Arbitrary<Change>[] = [
  fc.tuple(fc.nat(9), oddParts).map(
    ([nth, value]): Change =>
      (plan) => {
        const params = Object.keys(plan.params);
        const name = params[nth % Math.max(1, params.length)];
        return name === undefined ? plan : withParams(plan, { [name]: value });
      },
  ),
  fc.constant<Change>((plan) => {
    const empty = Object.keys(plan.params).map((name) => [name, new RawText('')]);
    return withParams(plan, Object.fromEntries(empty));
  }),
  oddQuery.map(
    (pair): Change =>
      (plan) => ({ ...plan, query: [...plan.query, pair] }),
  ),
  oddHeader.map(
    (header): Change =>
      (plan) => ({ ...plan, headers: { ...plan.headers, ...header } }),
  ),
  fc.tuple(fc.nat(9), oddValues).map(
    ([nth, value]): Change =>
      (plan) => {
        const body = withField(plan.body, nth, value);
        return { ...plan, body };
      },
  ),
  fc.nat(9).map(
    (nth): Change =>
      (plan) => ({ ...plan, body: withoutField(plan.body, nth) }),
  ),
  oddValues.map(
    (body): Change =>
      (plan) => ({ ...plan, body }),
  ),
  oddBytes.map(
    (bytes): Change =>
      (plan) => ({ ...plan, bytes }),
  ),
  fc.constantFrom(...METHODS).map(
    (method): Change =>
      (plan) => ({ ...plan, method }),
  ),
];

function plansOf(operation: Operation): fc.Arbitrary<Plan> {
  const valid = validPlans(operation);
  const odd = fc
    .tuple(valid, fc.array(fc.oneof(...oddChanges), { minLength: 1, maxLength: 2 }))
    .map(([plan, changes]) => changes.reduce((changed, change) => change(changed), plan));
  return fc.oneof({ weight: 3, arbitrary: valid }, { weight: 2, arbitrary: odd });
}

/** How many plans are made at once. */
const CHUNK = 500;

/** @returns that many plans; the same seed gives the same ones. */
export function* plans(operations: Operation[], seed: number, count: number): Generator<Plan> {
  const any = fc.oneof(...operations.map(plansOf));
  for (let made = 0; made < count; made += CHUNK) {
    const chunkSeed = (Math.imul(seed, 0x9e3779b1) + made) | 0;
    yield* fc.sample(any, { seed: chunkSeed, numRuns: CHUNK }).slice(0, count - made);
  }
}
