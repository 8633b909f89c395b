/**
 * What a caller who is refused is told about their credentials: the problem, and the challenge in WWW-Authenticate (RFC 9110,
 * section 11.6.1, and for bearer tokens RFC 6750, section 3).
 */
import type { FastifyRequest } from 'fastify';
import { lackingOf } from '../../accounts/authorization.ts';
import { MissingPermissionError, UnauthenticatedError } from '../../accounts/errors.ts';
import type { ProblemAnswer } from './problems.ts';

const BEARER = 'Bearer realm="rollcall"';

const SESSION_ENDED = {
  kind: 'session-ended',
  detail: 'Your session has ended, or your user was disabled or removed. Sign in again: POST /api/sign/in.',
} as const;

/** @returns that the credentials of the request are not good, undefined when it has none. A token counts where no session lives. */
function refusedCredential({ authentication, headers, server }: FastifyRequest) {
  if (authentication?.session) return SESSION_ENDED;
  const { bearerTokens, sessionCookie } = server;
  if (bearerTokens.size > 0 && /^Bearer\b/i.test(headers.authorization ?? '')) {
    const detail = [...bearerTokens.values()].map(({ refusal }) => refusal).join(' ');
    return { kind: 'invalid-token', detail } as const;
  }
  return sessionCookie.find(headers.cookie) === undefined ? undefined : SESSION_ENDED;
}

/** @returns the challenge of a 401, which names the ways to authenticate. Browsers pass over schemes that they don't know. */
export function challenge({ routeOptions, server }: FastifyRequest, { kind }: ProblemAnswer): string {
  const bearer = kind === 'invalid-token' ? `${BEARER}, error="invalid_token"` : BEARER;
  const cookie = `Cookie realm="rollcall", cookie-name="${server.sessionCookie.name}"`;
  // A 401 must name a way.
  if (server.bearerTokens.size === 0) return cookie;
  // A route that serves anonymous callers, such as sign-in, looks up no cookie.
  return routeOptions.config.anonymous ? bearer : `${bearer}, ${cookie}`;
}

/** @returns whether the request came with a credential that has not the scopes which these permissions ask for. */
function lacksScope({ authentication }: FastifyRequest, permissions: readonly string[]): boolean {
  const scopes = authentication?.credential?.scopes;
  return scopes !== undefined && lackingOf(scopes, permissions).length > 0;
}

/** @returns the problem as it is for this request: by its credentials some can be told more precisely. */
export function withCredentials(
  request: FastifyRequest,
  error: unknown,
  answer: ProblemAnswer,
): ProblemAnswer {
  if (error instanceof UnauthenticatedError) {
    return { ...answer, ...refusedCredential(request) };
  }
  if (error instanceof MissingPermissionError && lacksScope(request, error.permissions)) {
    return {
      kind: 'insufficient-scope',
      detail: `The bearer token has not the scope ${error.permissions.join(', ')}, which this asks for.`,
      headers: {
        'www-authenticate': `${BEARER}, error="insufficient_scope", scope="${error.permissions.join(' ')}"`,
      },
    };
  }
  return answer;
}
