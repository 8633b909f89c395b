/** Signing in and out, and who one is. */
import fastifyCookie from '@fastify/cookie';
import { Authenticator } from '@fastify/passport';
import fastifySession from '@fastify/session';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest, PassportUser } from 'fastify';
import { Type } from 'typebox';
import { Nothing, responses } from '../../../schemas/common.ts';
import { Session, sessionJson } from '../../../schemas/sessions.ts';
import { User, userJson } from '../../../schemas/users.ts';
import { Credentials, passwordStrategy } from './password-strategy.ts';
import { sessionStore } from './session-store.ts';

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

const sign: FastifyPluginAsyncTypebox = async (app) => {
  const { sessionCookie: cookie, sessions, db } = app;

  /** Here @fastify/session and passport are at work; nowhere else, since every request in their scope pays. */
  const signingInAndOut: FastifyPluginAsyncTypebox = async (scope) => {
    const passport = new Authenticator({ userProperty: 'verifiedUser' });
    passport.use(passwordStrategy(app));
    passport.registerUserSerializer(async (user: PassportUser) => user.id);

    await scope.register(fastifyCookie);
    // @fastify/session clears a cookie whose signature is not the newest key's, even when the session lives on.
    scope.addHook('onRequest', async ({ cookies, headers }) => {
      const secret = cookie.read(headers.cookie);
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

    const wrong = (request: FastifyRequest, username: string) => {
      request.log.info({ event: 'sign-in refused', username, address: request.ip }, 'sign-in refused');
      return app.problem({ status: 401, detail: 'The username or the password is wrong.' });
    };

    scope.post(
      '/in',
      {
        config: { anonymous: true },
        schema: { body: Credentials, response: responses({ 200: SignedIn }) },
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
        preHandler: passport.authenticate(
          'password',
          { session: false, authInfo: false },
          async (request, _reply, error, user) => {
            if (error) throw error;
            if (user) await request.logIn(user);
          },
        ),
      },
      async (request, reply) => {
        const { username, remember } = request.body;
        const userId: unknown = request.session.get('passport');
        if (typeof userId !== 'string') throw wrong(request, username);
        const signIn = {
          userId,
          remember,
          address: request.ip,
          userAgent: request.headers['user-agent'] ?? '',
        };
        request.session.set('signIn', signIn);
        await request.session.save();
        // Read back: neither is there when the user was disabled or removed while the password was checked.
        const session = await sessions.find(request.session.sessionId, request.log);
        const row = await db.users.find(userId);
        if (!session || !row) throw wrong(request, username);
        if (remember) request.session.options({ expires: new Date(session.endsAt) });
        request.log.info(
          { event: 'signed in', userId, sessionId: session.id, address: request.ip },
          'signed in',
        );
        // The new cookie takes the place of the old one: it need not be cleared as well.
        delete request.cookies[cookie.name];
        reply.header('cache-control', 'no-store');
        return { user: userJson(row), session: sessionJson(session) };
      },
    );

    scope.post(
      '/out',
      { config: { anonymous: true }, schema: { response: responses({ 204: Nothing }) } },
      async (request, reply) => {
        if (request.cookies[cookie.name] !== undefined) {
          if (cookie.read(request.headers.cookie)) await request.session.destroy();
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

    scope.get('/', { schema: { response: responses({ 200: Whoami }) } }, async (request) => {
      const row = await db.users.find(request.caller().id);
      if (!row) throw app.problem({ status: 401, detail: 'This user does not exist any more.' });
      const session = request.liveSession;
      return {
        user: userJson(row),
        via: request.via ?? '',
        fresh: session !== null && sessions.isFresh(session),
        permissions: await request.permissions(),
        ...(session ? { session: sessionJson(session) } : {}),
      };
    });
  };

  app.register(signingInAndOut);
  app.register(signedIn);
};

export default sign;
