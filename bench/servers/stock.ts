/**
 * The stock service, built as the manuals say: @fastify/session and @fastify/passport on every route, sessions in the
 * database, and a user lookup for each request. The handlers and queries are those of the other servers.
 */
import { hash, randomUUIDv7 } from 'node:crypto';
import fastifyCookie from '@fastify/cookie';
import { Authenticator } from '@fastify/passport';
import fastifySession from '@fastify/session';
import { verify } from '@node-rs/argon2';
import type { PassportUser } from 'fastify';
import list from '../../routes/api/users/list.ts';
import read from '../../routes/api/users/read.ts';
import { change, makeBareApp } from './without-auth.ts';

declare module 'fastify' {
  interface Session {
    stockUser?: string;
    passwordHash?: string;
  }
}

const DAY = 24 * 60 * 60 * 1000;
const app = await makeBareApp();
const { db } = app;

const passport = new Authenticator({ key: 'stockUser' });
passport.registerUserSerializer(async (user: PassportUser) => user.id);
passport.registerUserDeserializer(async (id: string) => (await db.users.find(id)) ?? null);
await app.register(fastifyCookie);
await app.register(fastifySession, {
  secret: process.env.SECRET_KEY ?? '',
  cookieName: 'stock',
  cookie: { secure: false, path: '/', httpOnly: true, sameSite: 'lax' },
  saveUninitialized: false,
  rolling: false,
  store: {
    get(id, done) {
      db.sessions.find(hash('sha256', id, 'base64url')).then((row) => {
        const cookie = {
          originalMaxAge: null,
          path: '/',
          httpOnly: true,
          sameSite: 'lax' as const,
          secure: false,
        };
        done(null, row && row.expiresAt > Date.now() ? { cookie, stockUser: row.userId } : null);
      }, done);
    },
    set(id, { stockUser, passwordHash }, done) {
      if (!stockUser || !passwordHash) return done();
      const now = Date.now();
      const ends = { expiresAt: now + DAY, endsAt: now + DAY };
      const from = { address: '127.0.0.1', userAgent: 'bench', remembered: false };
      const key = hash('sha256', id, 'base64url');
      db.atomically([
        db.users.signIn(stockUser, passwordHash, now),
        db.sessions.add({ ...{ key, id: randomUUIDv7(), userId: stockUser, now }, ...ends, ...from }),
      ]).then(() => done(), done);
    },
    destroy: (_id, done) => done(),
  },
});
await app.register(passport.initialize());
await app.register(passport.secureSession());
app.post<{ Body: { username: string; password: string } }>('/api/sign/in', async (request) => {
  const account = await db.users.findCredentials(request.body.username);
  if (!account?.passwordHash || !(await verify(account.passwordHash, request.body.password)))
    throw app.problem({ kind: 'wrong-credentials', detail: 'Wrong.' });
  request.session.set('passwordHash', account.passwordHash);
  await request.logIn({ id: account.id, username: account.username }, { keepSessionInfo: true });
  return { id: account.id };
});
app.addHook('preHandler', async (request) => {
  if (request.method !== 'POST' && request.url !== '/' && !request.user)
    throw app.problem({ kind: 'unauthenticated', detail: 'Sign in first.' });
});
await app.register(list, { prefix: '/api/users' });
await app.register(read, { prefix: '/api/users' });
await app.register(change, { prefix: '/api/users' });
app.get('/', async () => ({ name: 'stock', version: '1.0.0' }));
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
process.stdout.write('listens on\n');
