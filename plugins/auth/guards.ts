/**
 * Guards: hooks that deny. A blueprint adds one at the top of a scope of routes, or to a route's `onRequest`, so that a request
 * is refused before its body is read. The answer to an anonymous caller is made here and nowhere else.
 */
import type { FastifyReply, FastifyRequest, PassportUser } from 'fastify';
import fp from 'fastify-plugin';
import type { Actor } from '../../accounts/actor.ts';
import { requireFreshSession, requirePermissions, withinScopes } from '../../accounts/authorization.ts';
import { SessionRequiredError } from '../../accounts/errors.ts';

type Guard = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;

declare module 'fastify' {
  interface FastifyInstance {
    /** Lets signed-in users pass; others get 401. */
    requireSignedIn: Guard;
    /** Lets those pass who have signed in with a password; tokens and other ways get 403. */
    requireSession: Guard;
    /** Does the same, and the password must have been given of late; else 403 of the kind `confirm`. */
    requireFreshSession: Guard;
    /** @returns a guard, for signed-in users, that lets holders of the permission pass; others get 403. */
    requirePermission: (permission: string) => Guard;
  }
  interface FastifyRequest {
    /** @returns the caller, for the rules in accounts/. */
    actor(): Actor;
    /** @returns the user behind a guard. @throws when there is none, because the guard was forgotten. */
    caller(): PassportUser;
  }
}

/** Makes a guard of what throws when it denies. */
const guard =
  (check: (request: FastifyRequest) => void): Guard =>
  (request, _reply, done) => {
    try {
      check(request);
    } catch (error) {
      return done(error instanceof Error ? error : new Error(String(error)));
    }
    done();
  };

function requireSession({ authentication }: FastifyRequest): void {
  if (!authentication?.session) throw new SessionRequiredError();
}

function credentialOf({ authentication }: FastifyRequest): Actor['credential'] {
  const { session, token } = authentication ?? {};
  if (session) {
    const { key, id, confirmedAt } = session;
    return { kind: 'session', key, id, confirmedAt };
  }
  return token ? { kind: 'token', ...token } : null;
}

export default fp(
  async (app) => {
    const unauthorized = app.problem({
      status: 401,
      detail: 'Sign in first: POST /api/sign/in.',
      // RFC 9110, section 15.5.2, asks for a challenge; browsers pass over a scheme that they don't know.
      headers: {
        'www-authenticate': `Bearer realm="rollcall", Cookie realm="rollcall", cookie-name="${app.sessionCookie.name}"`,
      },
    });

    app.decorate('requireSignedIn', (request: FastifyRequest, reply: FastifyReply, done) => {
      reply.header('cache-control', 'no-store');
      done(request.user ? undefined : unauthorized);
    });
    app.decorate('requireSession', guard(requireSession));
    app.decorate(
      'requireFreshSession',
      guard((request) => {
        requireSession(request);
        requireFreshSession(request.actor());
      }),
    );
    app.decorate('requirePermission', (permission) =>
      guard((request) => requirePermissions(request.actor(), permission)),
    );

    app.decorateRequest('actor', function actor(this: FastifyRequest): Actor {
      const { method = 'nobody', token, permissions = [] } = this.authentication ?? {};
      return {
        kind: this.user ? 'user' : 'anonymous',
        user: this.user ?? null,
        method,
        credential: credentialOf(this),
        permissions: token ? withinScopes(token.scopes, permissions) : permissions,
        address: this.ip,
        userAgent: this.headers['user-agent'] ?? '',
        requestId: this.id,
        log: this.log,
      };
    });

    app.decorateRequest('caller', function caller(this: FastifyRequest): PassportUser {
      if (!this.user) throw new Error('This route has no guard that asks for a signed-in user.');
      return this.user;
    });
  },
  { name: 'guards', dependencies: ['authenticate', 'errors', 'session-cookie'] },
);
