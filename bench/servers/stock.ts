/**
 * What one gets by following the manuals: @fastify/session and @fastify/passport on every route, sessions in the database,
 * the user looked up for each request. The handlers and queries are the same as everywhere.
 */
import { hash } from 'node:crypto';
import fastifyCookie from '@fastify/cookie';
import { Authenticator } from '@fastify/passport';
import fastifySession from '@fastify/session';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type PassportUser } from 'fastify';
import { loadSettings } from '../../config/load.ts';
import { PROJECT_ROOT } from '../../config/project.ts';
import { openEngine, prepareQueries } from '../../db/database.ts';
import database from '../../plugins/database.ts';
import directory from '../../plugins/directory.ts';
import errors from '../../plugins/errors.ts';
import pages from '../../plugins/pages.ts';
import validation from '../../plugins/validation.ts';
import versions from '../../plugins/versions.ts';
import list from '../../routes/api/users/list.ts';

const settings = loadSettings({ root: PROJECT_ROOT, environment: process.env });
const app = Fastify({
  logger: false,
  routerOptions: { ignoreTrailingSlash: true },
}).withTypeProvider<TypeBoxTypeProvider>();
await app.register(directory);
await app.register(errors);
await app.register(validation);
const db = prepareQueries(await openEngine(settings));
await app.register(database, { database: db });
await app.register(pages);
await app.register(versions);

const passport = new Authenticator();
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
        done(null, row && row.expiresAt > Date.now() ? { cookie, passport: row.userId } : null);
      }, done);
    },
    set: (_id, _session, done) => done(),
    destroy: (_id, done) => done(),
  },
});
await app.register(passport.initialize());
await app.register(passport.secureSession());
app.addHook('preHandler', async (request) => {
  if (request.url !== '/' && !request.user) throw app.problem({ status: 401, detail: 'Sign in first.' });
});
await app.register(list, { prefix: '/api/users' });
app.get('/', async () => ({ name: 'stock', version: '1.0.0' }));
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
process.stdout.write('listens on\n');
