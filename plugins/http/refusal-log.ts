/** Logs what callers were refused: permissions, codes, tokens, forged cookies, and fields that nobody may set (OWASP ASVS 5.0, 16.3). */
import type { FastifyRequest } from 'fastify';
import { logRefusal } from '../../accounts/refusals.ts';
import { type ProblemAnswer, statusOf } from './problems.ts';

/** The caller chooses the names of fields: so many are logged, and so many characters of each. */
const MAX_FIELDS = 5;
const MAX_POINTER = 64;

/** Refusals that do not follow from the status 403 or 429. Where there are no credentials, 401 is none. */
const REFUSED = new Set<string | undefined>(['invalid-code', 'invalid-token']);

/** Their rules write an audit entry, which is a line of the log. */
const RECORDED = new Set<string | undefined>(['wrong-password']);

/** @returns whether the request has a cookie of our name that none of our keys signed. */
function hasForgedCookie({ headers: { cookie }, server: { sessionCookie } }: FastifyRequest): boolean {
  if (cookie === undefined || sessionCookie.find(cookie)) return false;
  return cookie.split(';').some((pair) => pair.trimStart().startsWith(`${sessionCookie.name}=`));
}

/** @returns whether the body names a field that there is not, as whoever guesses hidden ones does. */
const namesUnknownField = ({ errors }: ProblemAnswer) =>
  errors?.some(({ in: part, code }) => part === 'body' && code === 'unknown') ?? false;

/** Logs the answer if it is a refusal, in a bounded way (see accounts/refusals.ts). Values that were sent stay out of the log. */
export function logRefused(request: FastifyRequest, answer: ProblemAnswer): void {
  const status = statusOf(answer);
  const { kind, errors } = answer;
  const isForged = kind === 'unauthenticated' && hasForgedCookie(request);
  const isRefusal = [403, 429].includes(status) || REFUSED.has(kind) || isForged || namesUnknownField(answer);
  if (!isRefusal || RECORDED.has(kind)) return;
  const fields = {
    problem: isForged ? 'forged-cookie' : kind,
    status,
    method: request.method,
    // Not the URL: its query could hold what is secret.
    route: request.routeOptions.url,
    ...(errors
      ? { fields: errors.slice(0, MAX_FIELDS).map(({ pointer }) => pointer.slice(0, MAX_POINTER)) }
      : {}),
  };
  logRefusal(request.actor(), fields, 'refused');
}
