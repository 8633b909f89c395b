/**
 * Authentication: fills `request.user` and denies nobody (guards deny). The session's user comes first. Only without one
 * are the request loaders asked, in the order in which they were added. A loader leaves no session and no cookie behind.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { kindOf } from '../../accounts/credentials.ts';
import { findSession, type SessionLimits } from '../../accounts/sessions.ts';
import type { SessionRow } from '../../db/queries/sessions.ts';
import { METHOD_LENGTH } from '../../db/schema/audit.ts';

interface AuthenticatedUser {
  id: string;
  username: string;
}

/** How the caller was recognised, and what they may do. */
interface Authentication {
  /** 'session', or the name of a request loader. */
  method: string;
  session: SessionRow | null;
  /** A delegated credential, such as an API token. Its scopes bound what the caller may do. */
  credential: { id: string; scopes: readonly string[] } | null;
  /** What the user holds. */
  permissions: readonly string[];
}

/** A user whom a loader found. Without `permissions`, those that the user holds are read. */
interface LoadedUser extends AuthenticatedUser, Partial<Pick<Authentication, 'credential' | 'permissions'>> {
  active: boolean;
}

/** @returns the user whom the request names, active or not, or undefined when it names none. */
type RequestLoader = (request: FastifyRequest) => Promise<LoadedUser | undefined> | undefined;

/** Tells clients of a bearer token (RFC 6750), which they send as `Authorization: Bearer`. */
interface BearerToken {
  /** What it is, for the description of the API. */
  description: string;
  /** Why such a token is refused, and what to do. */
  refusal: string;
}

interface LoaderOptions {
  /** Given if the loader finds a user by a bearer token. */
  bearer?: BearerToken;
  /** The query parameters that the loader reads. All others that a route does not know are refused. */
  parameters?: string[];
  /** Ends the credential in the request, if there is one. Without it, signing out leaves the credential as it is. */
  signOut?: (request: FastifyRequest) => Promise<void>;
}

declare module 'fastify' {
  // The name is @fastify/passport's, which gives request.user this type as well.
  interface PassportUser extends AuthenticatedUser {}
  interface FastifyInstance {
    /** Adds a way to authenticate. `GET /api/sign` shows its name as `via`. */
    addRequestLoader(method: string, loader: RequestLoader, options?: LoaderOptions): void;
    /** The bearer tokens of the loaders, by the loader's name. */
    bearerTokens: ReadonlyMap<string, BearerToken>;
    /** Ends the credentials of a request that signs out without a living session. */
    signOutOfLoaders(request: FastifyRequest): Promise<void>;
  }
  interface FastifyRequest {
    user?: PassportUser;
    /** Null when the caller is anonymous. Unlike `user`, it must not be shown. */
    authentication: Authentication | null;
  }
  interface FastifyReply {
    /** Sends the cookie of the request's session with that secret, in place of another that was to be sent. */
    sendSessionCookie(secret: string): void;
  }
  interface FastifyContextConfig {
    /** The route serves anonymous callers: nothing is looked up to authenticate them. */
    anonymous?: boolean;
  }
}

export default fp<{ limits: SessionLimits }>(
  async (app, { limits }) => {
    const loaders: ({ method: string; load: RequestLoader } & Pick<LoaderOptions, 'signOut'>)[] = [];
    const bearerTokens = new Map<string, BearerToken>();
    app.decorate('bearerTokens', bearerTokens);
    app.decorate('addRequestLoader', (method, load, { parameters = [], bearer, ...options } = {}) => {
      if (method.length > METHOD_LENGTH)
        throw new RangeError(`The name ${method} is longer than ${METHOD_LENGTH} characters.`);
      if (method === 'session' || loaders.some((loader) => loader.method === method))
        throw new Error(`There is a way to authenticate of the name ${method} already.`);
      loaders.push({ method, load, ...options });
      if (bearer) bearerTokens.set(method, bearer);
      for (const parameter of parameters) app.loaderParameters.add(parameter);
    });
    app.decorate('signOutOfLoaders', async (request) => {
      for (const { signOut } of loaders) await signOut?.(request);
    });
    app.decorateRequest('user');
    app.decorateRequest('authentication', null);

    async function fromLoaders(request: FastifyRequest): Promise<void> {
      for (const { method, load } of loaders) {
        const user = await load(request);
        if (!user?.active) continue;
        const { id, username, credential = null } = user;
        // Says so at the first request, not at the first change.
        if (credential) kindOf(method);
        const permissions = user.permissions ?? (await app.db.permissions.ofUser(id));
        request.user = { id, username };
        request.authentication = { method, session: null, credential, permissions };
        return;
      }
    }

    app.decorateReply('sendSessionCookie', function sendSessionCookie(this: FastifyReply, secret: string) {
      const session = this.request.authentication?.session;
      if (!session) throw new Error('This request has no session: a guard was forgotten.');
      const { name, header } = app.sessionCookie;
      const sent = [this.getHeader('set-cookie') ?? []].flat().map(String);
      const others = sent.filter((cookie) => !cookie.startsWith(`${name}=`));
      // Fastify would add to the cookies that are there.
      this.removeHeader('set-cookie').header('set-cookie', [...others, header(secret, session)]);
    });

    app.addHook('onRequest', async (request, reply) => {
      if (request.is404 || request.routeOptions.config.anonymous) return;
      const sent = app.sessionCookie.find(request.headers.cookie);
      const session = sent && (await findSession(app.db, sent.key, limits, request.log));
      if (!session) return fromLoaders(request);
      const { userId: id, username, permissions } = session;
      request.user = { id, username };
      request.authentication = { method: 'session', session, credential: null, permissions };
      // So that the older key can go before all sessions have ended that began under it.
      if (sent.isOlder) reply.header('cache-control', 'no-store').sendSessionCookie(sent.secret);
    });
  },
  { name: 'authenticate', dependencies: ['database', 'session-cookie', 'validation'] },
);
