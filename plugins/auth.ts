/**
 * Who is it: fills `request.user`, and denies nobody (that is what guards do). The session's user comes first; only
 * when there is none are the request loaders asked, in the order in which they were added, for a user whom something
 * else in the request names. A loader leaves nothing behind: no session, no cookie.
 */
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Moment } from '../db/engine.ts';
import type { SessionRow } from '../db/queries/sessions.ts';

interface RecognisedUser {
  id: string;
  username: string;
}

/** How the user was recognised, and what that told of what they may do. */
interface Recognition {
  /** 'session', or the name of a request loader. */
  via: string;
  session: SessionRow | null;
  /** The API token that was sent; its scopes bound what the caller may do. */
  token: { id: string; scopes: readonly string[] } | null;
  /** What the user held at that moment; null when it was not read. */
  permissions: readonly string[] | null;
  /** When the request came: what is read only to be shown may be as it was then; never what a change goes by. */
  cameAt: Moment;
}

/**
 * The user whom a loader has found. What they hold it may leave out: it is then asked for when it is needed. With a token the
 * caller acts by its scopes alone.
 */
interface LoadedUser extends RecognisedUser, Partial<Pick<Recognition, 'token' | 'permissions'>> {
  active: boolean;
}

/**
 * @param withPermissions whether what the user holds is asked for, too.
 * @returns the user whom the request names, and whether they are active; undefined when it names none.
 */
type RequestLoader = (
  request: FastifyRequest,
  withPermissions: boolean,
) => Promise<LoadedUser | undefined> | undefined;

declare module 'fastify' {
  // The name is @fastify/passport's, which gives request.user this type, too.
  interface PassportUser extends RecognisedUser {}
  interface FastifyInstance {
    /** Adds a way to recognise a user; `via` is what GET /api/sign calls it. */
    addRequestLoader(via: string, loader: RequestLoader): void;
  }
  interface FastifyRequest {
    user?: PassportUser;
    /** Beside `user`, which may be shown: this may not. Null when nobody was recognised. */
    recognition: Recognition | null;
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

/** What is asked of a caller besides who they are, and when they came. */
interface Question {
  withPermissions: boolean;
  cameAt: Moment;
}

/** The audit trail keeps so many characters of it. */
const LONGEST_VIA = 16;

/** Goes on with the request, or answers it with that error. */
type Done = (error?: Error) => void;

/**
 * @returns what the loader gives, as a promise of Node's own, whatever it is: a developer's mistake must end as an error of the
 * request, not of the process. That goes for what it throws, too.
 */
function asked(
  load: RequestLoader,
  request: FastifyRequest,
  withPermissions: boolean,
): ReturnType<RequestLoader> {
  try {
    const loading = load(request, withPermissions);
    return loading && Promise.resolve(loading);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** From here on the request is theirs. */
function recognise(request: FastifyRequest, { id, username }: RecognisedUser, how: Recognition): void {
  request.user = { id, username };
  request.recognition = how;
}

export default fp(
  async (app) => {
    const loaders: { via: string; load: RequestLoader }[] = [];
    app.decorate('addRequestLoader', (via, load) => {
      if (via.length > LONGEST_VIA)
        throw new RangeError(`The name ${via} is longer than ${LONGEST_VIA} characters.`);
      loaders.push({ via, load });
    });
    // Two, and no more: Fastify sets each of them anew for each request, by its name.
    app.decorateRequest('user');
    app.decorateRequest('recognition', null);

    function bySession(request: FastifyRequest, key: string, question: Question, done: Done): void {
      app.sessions.find(key, request.log, question.withPermissions).then((session) => {
        if (session) {
          const { userId: id, username, permissions = null } = session;
          const { cameAt } = question;
          recognise(request, { id, username }, { via: 'session', session, token: null, permissions, cameAt });
          done();
        } else byLoaders(request, question, done);
      }, done);
    }

    /** Asks the loaders from that one on, waiting only for one that has something to look up. */
    function byLoaders(request: FastifyRequest, question: Question, done: Done, index = 0): void {
      const { withPermissions, cameAt } = question;
      const loader = loaders[index];
      const next = () => byLoaders(request, question, done, index + 1);
      const loading = loader && asked(loader.load, request, withPermissions);
      if (!loader) done();
      else if (!loading) next();
      else {
        const { via } = loader;
        const recognised = loading.then((user) => {
          if (!user?.active) return false;
          const { token = null, permissions = null } = user;
          // Those that were not asked for may be taken before a change looks at them.
          const held = withPermissions ? permissions : null;
          recognise(request, user, { via, session: null, token, permissions: held, cameAt });
          return true;
        });
        recognised.then((found) => (found ? done() : next()), done);
      }
    }

    app.addHook('onRoute', ({ method, url, config }) => {
      if (config?.asksPermissions && [method].flat().some((each) => !['GET', 'HEAD'].includes(each)))
        throw new TypeError(`${method} ${url} changes something, and may not have asksPermissions.`);
    });

    // With callbacks: of the 5 µs that it takes to know who is asking, promises within promises were 1.
    app.addHook('onRequest', (request, _reply, done) => {
      if (request.is404) return done();
      const { anonymous, asksPermissions = false } = request.routeOptions.config;
      if (anonymous) return done();
      const withPermissions =
        typeof asksPermissions === 'function' ? asksPermissions(request) : asksPermissions;
      const question = { withPermissions, cameAt: app.db.moment() };
      const key = app.sessionCookie.keyIn(request.headers.cookie);
      if (key === undefined) byLoaders(request, question, done);
      else bySession(request, key, question, done);
    });
  },
  { name: 'auth', dependencies: ['database', 'session-cookie', 'sessions'] },
);
