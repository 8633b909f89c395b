/**
 * May they: hooks that deny. A blueprint adds one at the top of a scope of routes, or to a route's `onRequest`, so
 * that a request is refused before its body is read. The answer to an anonymous caller is made here and nowhere else.
 */
import type { FastifyReply, FastifyRequest, PassportUser } from 'fastify';
import fp from 'fastify-plugin';
import { keepAdministrator } from '../db/administrators.ts';
import type { Write } from '../db/engine.ts';
import { EVERYTHING } from '../db/queries/permissions.ts';
import type { SessionRow } from '../db/queries/sessions.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** A guard that lets signed-in users pass; others get 401. */
    requireSignedIn: (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;
    /** A guard that lets those pass who have signed in with a password: tokens and other ways get 403. */
    requireSession: (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;
    /** The same, and the password must have been given of late; else 403 of the kind `confirm`. */
    requireFresh: (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;
    /** @returns a guard, for signed-in users, that lets holders of the permission pass; others get 403. */
    requirePermission: (permission: string) => (request: FastifyRequest) => Promise<void>;
    /**
     * Who signs in, and whether they may, is not for those to decide who hold less than they: they would give away, or
     * get hold of, what they don't hold.
     * @throws a 403 problem unless the caller is that user, and not their token, or holds all that the user holds.
     */
    mustRule: (request: FastifyRequest, userId: string) => Promise<void>;
    /**
     * Carries out writes that might take every permission (*) from the last active user who holds it.
     * @returns whether they took effect (see Engine.atomically). @throws {LastAdministratorError}, answered with 409.
     */
    keepAdministrator: (writes: Write[]) => Promise<boolean>;
  }
  interface FastifyRequest {
    /** @returns the user behind a guard. @throws when there is none, because the guard was forgotten. */
    caller(): PassportUser;
    /** @returns the session behind `requireSession`. @throws when there is none, because the guard was forgotten. */
    ownSession(): SessionRow;
    /**
     * For changes by which an account, or what it may do, could be taken over.
     * @throws a 403 problem of the kind `confirm` when the caller has a session that is not fresh.
     */
    mustBeFresh(): void;
    /** @returns the id of what the caller acts by: of the token, or of the user themselves. */
    actingId(): string;
    /** @returns whether the caller is that user, and acts as themselves: a token acts by its scopes alone. */
    isSelf(userId: string): boolean;
    /**
     * @returns the permissions that the caller holds at this moment, or, on a route that `asksPermissions`, held when they were
     * recognised: with a token, those among its scopes.
     */
    permissions(): Promise<readonly string[]>;
    /** @returns whether the user holds the permission. */
    holds(permission: string): Promise<boolean>;
    /** @throws a 403 problem unless the user holds all of the permissions. */
    mustHold(...permissions: string[]): Promise<void>;
  }
}

/** @returns what a token with these scopes may do for an owner who holds these permissions. */
export function within(scopes: readonly string[], held: readonly string[]): readonly string[] {
  if (held.includes(EVERYTHING)) return scopes.toSorted();
  return scopes.includes(EVERYTHING) ? held : scopes.filter((scope) => held.includes(scope)).sort();
}

function missing(held: readonly string[], asked: string[]): string[] {
  return held.includes(EVERYTHING) ? [] : asked.filter((permission) => !held.includes(permission));
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
    const sessionOnly = app.problem({
      status: 403,
      kind: 'session-required',
      detail: 'Only a user who has signed in may do this, not a token.',
    });
    const stale = app.problem({
      status: 403,
      kind: 'confirm',
      detail: 'This asks for a password that was given of late: POST /api/sign/confirm, then try again.',
    });

    app.decorate('requireSignedIn', (request: FastifyRequest, reply: FastifyReply, done) => {
      reply.header('cache-control', 'no-store');
      done(request.user ? undefined : unauthorized);
    });

    app.decorate('requireSession', (request: FastifyRequest, _reply: FastifyReply, done) => {
      done(request.recognition?.session ? undefined : sessionOnly);
    });

    app.decorate('requireFresh', (request: FastifyRequest, _reply: FastifyReply, done) => {
      const session = request.recognition?.session;
      if (!session) return done(sessionOnly);
      done(app.sessions.isFresh(session) ? undefined : stale);
    });

    app.decorate('requirePermission', (permission) => (request) => request.mustHold(permission));

    app.decorateRequest('caller', function caller(this: FastifyRequest): PassportUser {
      if (!this.user) throw new Error('This route has no guard that asks for a signed-in user.');
      return this.user;
    });

    app.decorateRequest('ownSession', function ownSession(this: FastifyRequest): SessionRow {
      const session = this.recognition?.session;
      if (!session) throw new Error('This route has no guard that asks for a session.');
      return session;
    });

    app.decorateRequest('mustBeFresh', function mustBeFresh(this: FastifyRequest) {
      const session = this.recognition?.session;
      if (session && !app.sessions.isFresh(session)) throw stale;
    });

    app.decorateRequest('actingId', function actingId(this: FastifyRequest) {
      return this.recognition?.token?.id ?? this.caller().id;
    });

    app.decorateRequest('isSelf', function isSelf(this: FastifyRequest, userId: string) {
      return !this.recognition?.token && this.caller().id === userId;
    });

    app.decorateRequest('permissions', async function permissions(this: FastifyRequest) {
      const { permissions, token } = this.recognition ?? {};
      const held = permissions ?? (await app.db.permissions.heldBy(this.caller().id));
      return token ? within(token.scopes, held) : held;
    });

    app.decorateRequest('holds', async function holds(this: FastifyRequest, permission: string) {
      return missing(await this.permissions(), [permission]).length === 0;
    });

    app.decorateRequest('mustHold', async function mustHold(this: FastifyRequest, ...asked: string[]) {
      const lacking = missing(await this.permissions(), asked);
      if (lacking.length === 0) return;
      throw app.problem({ status: 403, detail: `This asks for the permission ${lacking.join(', ')}.` });
    });

    app.decorate('mustRule', async (request, userId) => {
      if (request.isSelf(userId)) return;
      if (request.caller().id === userId) throw sessionOnly;
      await request.mustHold(...(await app.db.permissions.heldBy(userId)));
    });

    app.decorate('keepAdministrator', (writes) => keepAdministrator(app.db, writes));
  },
  { name: 'guards', dependencies: ['auth', 'database', 'errors', 'session-cookie', 'sessions'] },
);
