/** Signing in and out, and who one is. */
import fastifyCookie from '@fastify/cookie';
import { Authenticator } from '@fastify/passport';
import fastifySession from '@fastify/session';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest, PassportUser } from 'fastify';
import { Type } from '../../../config/type.ts';
import { targetOf } from '../../../db/queries/audit.ts';
import { Nothing, responses } from '../../../schemas/common.ts';
import { keyOf } from '../../../schemas/secrets.ts';
import { Session, sessionJson } from '../../../schemas/sessions.ts';
import { User, userJson } from '../../../schemas/users.ts';
import account from './account.ts';
import check from './check.ts';
import { Credentials, passwordStrategy } from './password-strategy.ts';
import { sessionStore } from './session-store.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** For the hook of this file alone: which of its routes signs in, and so needs room in the line. */
    signsIn?: boolean;
  }
}

const SignedIn = Type.Object({ user: User, session: Session });

const Whoami = Type.Object({
  user: User,
  /** How the caller was recognised: session, or the name of a request loader. */
  via: Type.String(),
  /** Whether the password was given so recently that sensitive changes need no other proof. */
  fresh: Type.Boolean(),
  permissions: Type.Array(Type.String()),
  session: Type.Optional(Session),
});

const sign: FastifyPluginAsyncTypebox<{ signUp: boolean }> = async (app, { signUp }) => {
  const { sessionCookie: cookie, sessions, db } = app;

  /** Here @fastify/session and passport are at work; nowhere else, since every request in their scope pays. */
  const signingInAndOut: FastifyPluginAsyncTypebox = async (scope) => {
    const passport = new Authenticator({ userProperty: 'verifiedUser' });
    passport.use(passwordStrategy(app));
    passport.registerUserSerializer(async (user: PassportUser) => user.id);

    // First of all: else a session would be made for each request that is turned away.
    scope.addHook('onRequest', (request, reply, done) => {
      if (request.routeOptions.config.signsIn) app.requireRoom(request, reply, done);
      else done();
    });
    await scope.register(fastifyCookie);
    // @fastify/session clears a cookie whose signature is not the newest key's, even when the session lives on.
    scope.addHook('onRequest', async ({ cookies, headers }) => {
      const secret = cookie.secretIn(headers.cookie);
      if (secret) cookies[cookie.name] = cookie.sign(secret);
    });
    await scope.register(fastifySession, {
      secret: {
        sign: cookie.sign,
        unsign: (value) => {
          const secret = cookie.unsign(value) ?? null;
          return { valid: secret !== null, renew: false, value: secret };
        },
      },
      cookieName: cookie.name,
      cookie: { ...cookie.attributes },
      idGenerator: cookie.makeSecret,
      store: sessionStore(app),
      saveUninitialized: false,
      rolling: false,
    });
    await scope.register(passport.initialize());

    /** Keeps @fastify/session from saving, setting or clearing anything more when the answer is sent. */
    const letGo = (request: { session: unknown }) => {
      request.session = null;
    };

    scope.decorateRequest('candidate', null);

    const authenticate = passport.authenticate(
      'password',
      { session: false, authInfo: false },
      async (request, _reply, error, user) => {
        if (error) throw error;
        if (user) await request.logIn(user);
      },
    );

    /** Tells of a sign-in that failed, as of somebody's if there is such a user. @returns what to answer. */
    const refused = async (request: FastifyRequest) => {
      const { candidate } = request;
      const target = candidate && targetOf(candidate);
      await request.record({ event: 'sign-in-refused', target }, []);
      return app.problem({ status: 401, detail: 'The username or the password is wrong.' });
    };

    scope.post(
      '/in',
      {
        config: { anonymous: true, signsIn: true },
        schema: {
          operationId: 'signIn',
          summary: 'Sign in',
          description: 'Starts a session, and sets the cookie that carries it.',
          body: Credentials,
          response: responses({ 200: SignedIn }),
          errors: [401, 429],
        },
        // A sign-in that fails starts no session, and leaves the cookie of another one alone.
        onError: async (request) => letGo(request),
        onRequest: async (request) => {
          if (!cookie.attributes.secure || request.protocol === 'https') return;
          throw app.problem({
            status: 400,
            kind: 'https-required',
            detail:
              'In production one signs in over HTTPS: over plain HTTP the browser would drop the cookie. If a proxy ends TLS in front of the service, name that proxy in the setting TRUST_PROXY and let it send X-Forwarded-Proto.',
          });
        },
      },
      async (request, reply) => {
        using _place = await app.passwords.takePlace();
        const forgetAttempts = await app.attempts.count(request, request.body.username);
        await authenticate.call(scope, request, reply);
        const { candidate: account } = request;
        const userId: unknown = request.session.get('passport');
        if (userId !== account?.id || !account?.passwordHash) throw await refused(request);
        const { remember } = request.body;
        const signIn = {
          userId: account.id,
          passwordHash: account.passwordHash,
          remember,
          address: request.ip,
          userAgent: request.headers['user-agent'] ?? '',
        };
        let kept = false;
        request.session.set('keep', async (secret) => {
          const target = targetOf(account);
          const happening = { event: 'signed-in' as const, actor: account, via: 'password', target };
          kept = await request.record(happening, [...sessions.start(keyOf(secret), signIn), forgetAttempts]);
        });
        await request.session.save();
        // It was not when the user was disabled, removed or given another password while this one was checked.
        if (!kept) throw await refused(request);
        const session = await sessions.find(keyOf(request.session.sessionId), request.log);
        const row = await db.users.find(account.id);
        if (!session || !row) throw await refused(request);
        if (remember) request.session.options({ expires: new Date(session.endsAt) });
        // The new cookie takes the place of the old one: it need not be cleared as well.
        delete request.cookies[cookie.name];
        reply.header('cache-control', 'no-store');
        return { user: userJson(row), session: sessionJson(session) };
      },
    );

    scope.post(
      '/out',
      {
        config: { anonymous: true },
        schema: { operationId: 'signOut', summary: 'Sign out', response: responses({ 204: Nothing }) },
      },
      async (request, reply) => {
        if (request.cookies[cookie.name] !== undefined) {
          const key = cookie.keyIn(request.headers.cookie);
          const session = key === undefined ? undefined : await sessions.find(key, request.log);
          if (session) {
            const actor = { id: session.userId, username: session.username };
            const target = { kind: 'session' as const, id: session.id, name: session.username };
            const happening = { event: 'signed-out' as const, actor, via: 'session', target };
            await request.record(happening, [db.sessions.endOf(session.userId, session.id)]);
          }
          letGo(request);
          reply.clearCookie(cookie.name, cookie.attributes);
        }
        reply.header('cache-control', 'no-store');
        return reply.code(204).send();
      },
    );
  };

  const signedIn: FastifyPluginAsyncTypebox = async (scope) => {
    scope.addHook('onRequest', app.requireSignedIn);

    const config = { asksPermissions: true };
    const schema = {
      operationId: 'whoami',
      summary: 'Who am I, and what may I do',
      response: responses({ 200: Whoami }),
    };
    scope.get('/', { config, schema }, async (request) => {
      const { via = '', session, cameAt } = request.recognition ?? {};
      const row = await db.users.find(request.caller().id, cameAt);
      if (!row) throw app.problem({ status: 401, detail: 'This user does not exist any more.' });
      return {
        user: userJson(row),
        via,
        fresh: session ? sessions.isFresh(session) : false,
        permissions: [...(await request.permissions())],
        ...(session ? { session: sessionJson(session) } : {}),
      };
    });
  };

  app.register(signingInAndOut);
  app.register(signedIn);
  app.register(account, { signUp });
  app.register(check);
};

export default sign;
