/**
 * Who is it: fills `request.user`, and denies nobody (that is what guards do). The session's user comes first; only
 * when there is none are the request loaders asked, in the order in which they were added, for a user whom something
 * else in the request names. A loader leaves nothing behind: no session, no cookie.
 */
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { SessionRow } from '../db/queries/sessions.ts';

interface RecognisedUser {
  id: string;
  username: string;
}

/** What a session or a loader tells of the user. What they hold a loader may leave out: it is then asked for when needed. */
interface Recognised extends RecognisedUser {
  permissions?: readonly string[] | undefined;
}

/** @returns the user whom the request names, and whether they are active; undefined when it names none. */
type RequestLoader = (
  request: FastifyRequest,
) => Promise<(Recognised & { active: boolean }) | undefined> | undefined;

declare module 'fastify' {
  // The name is @fastify/passport's, which gives request.user this type, too.
  interface PassportUser extends RecognisedUser {}
  interface FastifyInstance {
    /** Adds a way to recognise a user; `via` is what GET /api/sign calls it. */
    addRequestLoader(via: string, loader: RequestLoader): void;
  }
  interface FastifyRequest {
    user?: PassportUser;
    /** How the user was recognised: 'session', or the name of a request loader. */
    via: string | null;
    liveSession: SessionRow | null;
    /** Whether the route has said that it asks what the caller may do. */
    asksPermissions: boolean;
    /** What the user held when they were recognised; null when that was not read. */
    heldPermissions: readonly string[] | null;
  }
  interface FastifyContextConfig {
    /** The route needs nobody: no session is looked up for it. */
    anonymous?: boolean;
    /**
     * The route asks what its caller may do, always or for such a request: that is then read with who they are, in one
     * statement. For GET alone: a change must ask anew when its body is there, which may be long after.
     */
    asksPermissions?: boolean | ((request: FastifyRequest) => boolean);
  }
}

/** The audit trail keeps so many characters of it. */
const LONGEST_VIA = 16;

/** @returns what the loader gives; what it throws before there is a promise as a promise, too. */
function asked(load: RequestLoader, request: FastifyRequest): ReturnType<RequestLoader> {
  try {
    return load(request);
  } catch (error) {
    return Promise.reject(error);
  }
}

export default fp(
  async (app) => {
    const loaders: { via: string; load: RequestLoader }[] = [];
    app.decorate('addRequestLoader', (via, load) => {
      if (via.length > LONGEST_VIA)
        throw new RangeError(`The name ${via} is longer than ${LONGEST_VIA} characters.`);
      loaders.push({ via, load });
    });
    app.decorateRequest('user');
    app.decorateRequest('via', null);
    app.decorateRequest('liveSession', null);
    app.decorateRequest('asksPermissions', false);
    app.decorateRequest('heldPermissions', null);

    function take(request: FastifyRequest, { id, username, permissions }: Recognised, via: string): void {
      request.user = { id, username };
      request.via = via;
      if (permissions && request.asksPermissions) request.heldPermissions = permissions;
    }

    async function bySession(request: FastifyRequest, key: string): Promise<void> {
      const session = await app.sessions.find(key, request.log, request.asksPermissions);
      if (!session) return byLoaders(request, 0);
      const { userId: id, username, permissions } = session;
      take(request, { id, username, permissions }, 'session');
      request.liveSession = session;
    }

    /** Asks the loaders from that one on. @returns a promise only if one of them has something to look up. */
    function byLoaders(request: FastifyRequest, first: number): Promise<void> | undefined {
      for (const [index, { via, load }] of loaders.entries()) {
        const loading = index < first ? undefined : asked(load, request);
        if (!loading) continue;
        return loading.then((user) => {
          if (!user?.active) return byLoaders(request, index + 1);
          take(request, user, via);
        });
      }
      return undefined;
    }

    app.addHook('onRoute', ({ method, url, config }) => {
      if (config?.asksPermissions && [method].flat().some((each) => !['GET', 'HEAD'].includes(each)))
        throw new TypeError(`${method} ${url} changes something, and may not have asksPermissions.`);
    });

    // With a callback, so that whoever brings nothing to look up does not wait for a promise.
    app.addHook('onRequest', (request, _reply, done) => {
      if (request.is404) return done();
      const { anonymous, asksPermissions } = request.routeOptions.config;
      if (anonymous) return done();
      if (asksPermissions) request.asksPermissions = asksPermissions === true || asksPermissions(request);
      const key = app.sessionCookie.keyIn(request.headers.cookie);
      const looking = key === undefined ? byLoaders(request, 0) : bySession(request, key);
      if (!looking) return done();
      looking.then(() => done(), done);
    });
  },
  { name: 'auth', dependencies: ['session-cookie', 'sessions'] },
);
