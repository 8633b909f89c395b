/**
 * Who is it: fills `request.user`, and denies nobody (that is what guards do). The session's user comes first; only
 * when there is none are the request loaders asked, in the order in which they were added, for a user whom something
 * else in the request names. A loader leaves nothing behind: no session, no cookie.
 */
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { LiveSession } from './sessions.ts';

interface RecognisedUser {
  id: string;
  username: string;
}

/** @returns the user whom the request names, and whether they are active; undefined when it names none. */
type RequestLoader = (
  request: FastifyRequest,
) => Promise<(RecognisedUser & { active: boolean }) | undefined> | undefined;

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
    liveSession: LiveSession | null;
  }
  interface FastifyContextConfig {
    /** The route needs nobody: no session is looked up for it. */
    anonymous?: boolean;
  }
}

export default fp(
  async (app) => {
    const loaders: { via: string; load: RequestLoader }[] = [];
    app.decorate('addRequestLoader', (via, load) => {
      loaders.push({ via, load });
    });
    app.decorateRequest('user');
    app.decorateRequest('via', null);
    app.decorateRequest('liveSession', null);

    async function recognise(request: FastifyRequest, secret: string | undefined): Promise<void> {
      const session = secret === undefined ? undefined : await app.sessions.find(secret, request.log);
      if (session) {
        request.user = { id: session.userId, username: session.username };
        request.via = 'session';
        request.liveSession = session;
        return;
      }
      for (const { via, load } of loaders) {
        const loading = load(request);
        if (!loading) continue;
        const user = await loading;
        if (!user?.active) continue;
        request.user = { id: user.id, username: user.username };
        request.via = via;
        return;
      }
    }

    // With a callback, so that whoever brings nothing to look up does not wait for a promise.
    app.addHook('onRequest', (request, _reply, done) => {
      if (request.is404 || request.routeOptions.config.anonymous) return done();
      const secret = app.sessionCookie.read(request.headers.cookie);
      if (secret === undefined && loaders.length === 0) return done();
      recognise(request, secret).then(() => done(), done);
    });
  },
  { name: 'auth', dependencies: ['session-cookie', 'sessions'] },
);
