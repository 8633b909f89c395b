/** Says what is wrong with an answer: a status or a body that the description does not declare, a header that an RFC asks for, an inner secret. */
import type { LightMyRequestResponse } from 'fastify';
import { HASH_PREFIX } from '../../../accounts/passwords/hashing.ts';
import type { Api, Operation, Schema } from './description.ts';

/** What the answer to a path or a method that the API does not have may be. 403 is for changes that another origin sends. */
const UNDESCRIBED = [400, 403, 404, 405, 414];

/** Headers that each answer of a status must have. */
const REQUIRED_HEADERS: Record<number, string> = {
  401: 'www-authenticate',
  405: 'allow',
  429: 'retry-after',
  503: 'retry-after',
};

type Answer = LightMyRequestResponse;

const PROBLEM: Schema & { $ref: string } = { $ref: '#/components/schemas/Problem' };

/** @returns what is wrong with the body. @param contents what the description declares, undefined when it is no operation of the API. */
function* bodyFaults(
  api: Api,
  { statusCode, headers, payload }: Answer,
  contents: Record<string, { schema: Schema }> | undefined,
) {
  const type = String(headers['content-type'] ?? '').split(';')[0] ?? '';
  if (contents === undefined && payload !== '') yield 'The body should be empty.';
  const schema = contents?.[type]?.schema;
  if (contents !== undefined && !schema) yield `The body is of the undeclared type "${type}".`;
  if (!schema) return;
  let body: unknown;
  try {
    body = JSON.parse(payload);
  } catch {
    yield 'The body is no JSON.';
    return;
  }
  const fault = api.faultOf(schema, body);
  if (fault) yield `The body is not as the description says: ${fault}.`;
  if (statusCode < 400) return;
  const { status, requestId }: { status?: unknown; requestId?: unknown } = Object(body);
  if (status !== statusCode || requestId !== headers['x-request-id'])
    yield 'The problem is of another status or request than the answer.';
}

function* headerFaults({ statusCode, headers, payload }: Answer, operation: Operation | undefined) {
  const required = REQUIRED_HEADERS[statusCode];
  if (required && !headers[required]) yield `An answer of ${statusCode} must have the header ${required}.`;
  if (!headers['x-request-id']) yield 'The answer has no X-Request-Id.';
  if (statusCode === 204 && 'content-length' in headers)
    yield 'An answer of 204 must have no Content-Length.';
  const isPrivate = (operation?.security ?? []).length > 0 || statusCode >= 400;
  if (isPrivate && headers['cache-control'] !== 'no-store') yield 'The answer may be stored in a cache.';
  if (payload.includes(HASH_PREFIX)) yield 'The answer shows the hash of a password.';
}

/** @returns what is wrong with the answer to a request of that method and path, each in a sentence. */
export function faultsOf(api: Api, method: string, url: string, answer: Answer): string[] {
  const { statusCode } = answer;
  const operations = api.at(url.split('?')[0] ?? '');
  const isHead = method === 'HEAD';
  const operation = operations.get(isHead ? 'GET' : method);
  const faults = [...headerFaults(answer, operation)];
  const declared = operation?.responses[statusCode];
  if (method === 'OPTIONS' && statusCode === 204) {
    return answer.headers.allow ? faults : [...faults, 'An answer to OPTIONS must have the header allow.'];
  }
  if (operation && !declared)
    faults.push(
      `${method} ${operation.path} does not declare ${statusCode}; these are: ${Object.keys(operation.responses).join(', ')}.`,
    );
  if (!operation && !UNDESCRIBED.includes(statusCode))
    faults.push(`There is no such operation, and the answer is ${statusCode}.`);
  if (!operation && operations.size > 0 && statusCode === 404)
    faults.push('The path has other methods, so that the answer must be 405.');
  if (isHead) return answer.payload === '' ? faults : [...faults, 'An answer to HEAD must have no body.'];
  const content = declared ? declared.content : { 'application/problem+json': { schema: PROBLEM } };
  return [...faults, ...bodyFaults(api, answer, content)];
}
