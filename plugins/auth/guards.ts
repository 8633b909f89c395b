/**
 * Guards: hooks that deny. A blueprint adds one at the top of a scope of routes, or to a route's `onRequest`, so that a request
 * is refused before its body is read. The answers stand in plugins/http/problems.ts.
 */
import type { FastifyReply, FastifyRequest, PassportUser } from 'fastify';
import fp from 'fastify-plugin';
import type { Actor } from '../../accounts/actor.ts';
import { requireFreshSession, requirePermissions, withinScopes } from '../../accounts/authorization.ts';
import { SessionRequiredError, UnauthenticatedError } from '../../accounts/errors.ts';
import { ORIGIN_LENGTHS } from '../../db/schema/column-types.ts';
import { clientAddress } from '../http/client-address.ts';

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
  const { session, credential, method = '' } = authentication ?? {};
  if (session) {
    const { key, id, confirmedAt } = session;
    return { kind: 'session', key, id, confirmedAt };
  }
  return credential ? { kind: 'delegated', method, ...credential } : null;
}

export default fp(
  async (app) => {
    // Made once, since an anonymous request need not cost a stack trace.
    const unauthenticated = new UnauthenticatedError();
    app.decorate('requireSignedIn', (request: FastifyRequest, reply: FastifyReply, done) => {
      reply.header('cache-control', 'no-store');
      done(request.user ? undefined : unauthenticated);
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
      const { method = 'nobody', credential, permissions = [] } = this.authentication ?? {};
      return {
        kind: this.user ? 'user' : 'anonymous',
        user: this.user ?? null,
        method,
        credential: credentialOf(this),
        permissions: credential ? withinScopes(credential.scopes, permissions) : permissions,
        address: clientAddress(this),
        userAgent: this.headers['user-agent']?.slice(0, ORIGIN_LENGTHS.userAgent) ?? '',
        requestId: this.id,
        log: this.log,
        refusals: app.refusals,
      };
    });

    app.decorateRequest('caller', function caller(this: FastifyRequest): PassportUser {
      if (!this.user) throw new Error('This route has no guard that asks for a signed-in user.');
      return this.user;
    });
  },
  { name: 'guards', dependencies: ['authenticate', 'refusals'] },
);
