/**
 * Signing in and out, by @fastify/session and @fastify/passport. They work in this scope alone: all other routes read the session
 * by one prepared query (plugins/auth/authenticate.ts). What a session is, and who may begin one, stands in accounts/sessions.ts.
 */
import { callbackify } from 'node:util';
import fastifyCookie from '@fastify/cookie';
import { Authenticator, Strategy } from '@fastify/passport';
import fastifySession, { type FastifySessionOptions } from '@fastify/session';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Session as CarriedSession, FastifyInstance, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import { Type } from 'typebox';
import { anonymous, type Origin } from '../../../accounts/actor.ts';
import { keyOf } from '../../../accounts/secrets.ts';
import {
  endReplacedSession,
  findSessionToEnd,
  type SessionLimits,
  type StartedSession,
  signOut,
  startSession,
} from '../../../accounts/sessions.ts';
import { type VerifiedUser, verifyCredentials } from '../../../accounts/sign-in.ts';
import { OWN } from '../../../accounts/visibility.ts';
import type { SessionRow } from '../../../db/queries/sessions.ts';
import { USER_LENGTHS } from '../../../db/schema/users.ts';
import { Body, Nothing, Password, responses, SingleLineText } from '../../../schemas/common.ts';
import { Session, sessionJson } from '../../../schemas/sessions.ts';
import { User, userJson } from '../../../schemas/users.ts';

const Credentials = Body(
  {
    /** The user's name or e-mail address. */
    username: SingleLineText({ minLength: 1, maxLength: USER_LENGTHS.email }),
    password: Password({ minLength: 1 }),
    /** Whether the session is to outlive the browser. */
    remember: Type.Boolean({ default: false }),
  },
  { examples: [{ username: 'ann', password: 'correct horse' }] },
);

type Passport = InstanceType<typeof Authenticator>;

const SignedIn = Type.Object({
  user: User,
  session: Session,
  /** How many sessions of the user ended, as there were more than the setting MAX_SESSIONS allows. */
  endedSessions: Type.Integer(),
});

declare module 'fastify' {
  interface FastifyContextConfig {
    /** In the scope of signing in and out: the route needs a slot in the queue of passwords. */
    looksAtPassword?: boolean;
  }
  /** What @fastify/session carries while a request signs in or out. */
  interface Session {
    /** The user whose password was right, put there by passport. */
    passport?: VerifiedUser;
    /** How they sign in. */
    signIn?: Origin & Pick<FastifyRequest, 'trace'> & { name: string; remember: boolean };
    /** The session that the store has started. */
    started?: StartedSession;
    /** The session that the store has found. */
    found?: SessionRow;
  }
}

const session: FastifyPluginAsyncTypebox<{ limits: SessionLimits }> = async (app, { limits }) => {
  const { sessionCookie: cookie } = app;
  const passport = new Authenticator({ userProperty: 'verifiedUser' });
  passport.use('password', passwordStrategy(app));
  passport.registerUserSerializer(async (user: VerifiedUser) => user);

  // Before the plugins: nothing is looked up for a sign-in that is turned away.
  app.addHook('onRequest', (request, reply, done) => {
    if (request.routeOptions.config.looksAtPassword) app.requireCapacity(request, reply, done);
    else done();
  });
  // Other services on this host may set a cookie of our name. Of several, ours is the one that we signed.
  const decode = (value: string) => (cookie.unsign(value) === undefined ? undefined : value);
  // A variable, since the types of @fastify/cookie lack `decode`, which it hands to its parser.
  const parseOptions = { path: '/', decode };
  await app.register(fastifyCookie, { parseOptions });
  await app.register(fastifySession, {
    secret: cookie.signer,
    cookieName: cookie.name,
    cookie: { ...cookie.attributes },
    idGenerator: cookie.makeSecret,
    store: sessionStore(app, limits),
    saveUninitialized: false,
    rolling: false,
  });
  await app.register(passport.initialize());

  app.register(signingIn, { passport });
  app.register(signingOut);
};

const signingIn: FastifyPluginAsyncTypebox<{ passport: Passport }> = async (app, { passport }) => {
  const { sessionCookie: cookie } = app;

  app.post(
    '/in',
    {
      config: { anonymous: true, looksAtPassword: true },
      schema: {
        operationId: 'signIn',
        summary: 'Sign in',
        description:
          'Starts a session, and sets the cookie that carries it. Where the user has more than the setting MAX_SESSIONS allows, those end that were not seen for longest.',
        body: Credentials,
        response: responses({ 200: SignedIn }),
        errors: [401, 429],
      },
      // Passport verifies the password, gives the session a new id, and puts the user into it.
      preHandler: passport.authenticate('password', { authInfo: false }),
      // A sign-in that fails leaves the cookie of another session alone.
      onError: async (request) => dropSession(request),
    },
    async (request, reply) => {
      const { username: name, remember } = request.body;
      const { address, userAgent, requestId } = request.actor();
      const { trace } = request;
      request.session.set('signIn', { name, remember, address, userAgent, requestId, trace });
      await request.session.save();
      const { started } = request.session;
      if (!started) throw new Error('The store has saved a session without starting it.');
      if (remember) request.session.options({ expires: new Date(started.session.endsAt) });
      // The new cookie takes the place of the one that was sent, which need not be cleared as well.
      delete request.cookies[cookie.name];
      reply.header('cache-control', 'no-store');
      const { user, session, endedSessions } = started;
      return { user: userJson(user, OWN), session: sessionJson(session), endedSessions };
    },
  );
};

const signingOut: FastifyPluginAsyncTypebox = async (app) => {
  const { db, sessionCookie: cookie } = app;
  const isSent = new RegExp(`(^|;) *${cookie.name}=`);

  app.post(
    '/out',
    {
      config: { anonymous: true },
      schema: {
        operationId: 'signOut',
        summary: 'Sign out',
        description: 'Ends the session. Without a living session, a bearer token that was sent is ended.',
        response: responses({ 204: Nothing }),
      },
    },
    async (request, reply) => {
      const { found } = request.session;
      if (found) {
        await signOut(db, request.actor(), found);
        await request.session.destroy();
      } else {
        dropSession(request);
        await app.signOutOfLoaders(request);
      }
      if (isSent.test(request.headers.cookie ?? '')) reply.clearCookie(cookie.name, cookie.attributes);
      reply.header('cache-control', 'no-store');
      return reply.code(204).send();
    },
  );
};

/** Keeps @fastify/session from saving, setting or clearing anything when the answer is sent. */
function dropSession(request: { session: unknown }): void {
  request.session = null;
}

/** @returns a strategy for bodies that were validated as credentials. */
function passwordStrategy(app: FastifyInstance): InstanceType<typeof Strategy> {
  class PasswordStrategy extends Strategy {
    override async authenticate(
      request: FastifyRequest<{ Body: Static<typeof Credentials> }>,
    ): Promise<void> {
      // A strategy that ends without one of passport's outcomes would leave the request hanging.
      try {
        using _slot = await app.passwords.acquireSlot();
        this.success(await verifyCredentials(app.db, app.passwords, request.actor(), request.body));
      } catch (error) {
        this.error(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }
  return new PasswordStrategy('password');
}

/** @returns a store for @fastify/session. It only starts and ends sessions, so no slow request brings one back. */
function sessionStore(
  { db, log, refusals }: FastifyInstance,
  limits: SessionLimits,
): NonNullable<FastifySessionOptions['store']> {
  return {
    get: callbackify(async (secret: string) => {
      const found = await findSessionToEnd(db, keyOf(secret));
      return found ? { cookie: { originalMaxAge: null }, found } : null;
    }),
    set: callbackify(async (secret: string, session: CarriedSession) => {
      const { passport: user, signIn } = session;
      // A session that names no user, such as one that was regenerated, is not kept.
      if (!user || !signIn) return;
      const { requestId, trace } = signIn;
      const actor = anonymous(signIn, { log: log.child({ requestId, ...trace }), refusals });
      session.started = await startSession(db, actor, keyOf(secret), user, signIn, limits);
    }),
    destroy: callbackify((secret: string) => endReplacedSession(db, keyOf(secret))),
  };
}

export default session;
