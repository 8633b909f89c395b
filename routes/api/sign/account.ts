/** What people do about their own account without being signed in, or to be signed in afresh. */
import { randomUUIDv7 } from 'node:crypto';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from '../../../config/type.ts';
import { targetOf } from '../../../db/queries/audit.ts';
import { Body, Nothing, Nullable, Password, responses, sessionOnly } from '../../../schemas/common.ts';
import { isSecret, keyOf } from '../../../schemas/secrets.ts';
import { DisplayName, Email, NewPassword, User, Username, userJson } from '../../../schemas/users.ts';

const Confirmation = Body(
  { password: Password({ minLength: 1 }) },
  { examples: [{ password: 'correct horse' }] },
);

const Reset = Body(
  {
    code: Type.String({ minLength: 1, maxLength: 100 }),
    password: NewPassword,
  },
  { examples: [{ code: 'rcc_…', password: 'battery staple' }] },
);

const SignUp = Body(
  {
    username: Username,
    password: NewPassword,
    name: Type.Optional(DisplayName),
    email: Type.Optional(Nullable(Email)),
  },
  { examples: [{ username: 'cleo', password: 'battery staple', email: 'cleo@example.org' }] },
);

const account: FastifyPluginAsyncTypebox<{ signUp: boolean }> = async (app, options) => {
  const { attempts, db, passwords, problem } = app;

  const signedIn: FastifyPluginAsyncTypebox = async (scope) => {
    scope.addHook('onRequest', app.requireSignedIn);
    scope.addHook('onRequest', app.requireSession);

    scope.post(
      '/confirm',
      {
        onRequest: app.requireRoom,
        schema: {
          operationId: 'confirm',
          security: sessionOnly,
          summary: 'Give the password again',
          description: 'The session is fresh again: sensitive changes ask for a fresh one.',
          body: Confirmation,
          response: responses({ 204: Nothing }),
          errors: [403, 429],
        },
      },
      async (request, reply) => {
        using _place = await passwords.takePlace();
        const user = request.caller();
        const target = targetOf(user);
        const forget = await attempts.count(request, user.username);
        const right = await passwords.verify(await db.users.passwordHash(user.id), request.body.password);
        if (!right) {
          await request.record({ event: 'confirm-refused', target }, []);
          throw problem({ status: 401, detail: 'The password is wrong.' });
        }
        const confirm = db.sessions.confirm(request.ownSession().key, Date.now());
        if (!(await request.record({ event: 'confirmed', target }, [confirm, forget]))) {
          throw problem({ status: 401, detail: 'The session has ended. Sign in: POST /api/sign/in.' });
        }
        return reply.code(204).send();
      },
    );
  };

  const anyone: FastifyPluginAsyncTypebox = async (scope) => {
    scope.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store');
    });

    scope.post(
      '/reset',
      {
        config: { anonymous: true },
        onRequest: app.requireRoom,
        schema: {
          operationId: 'resetPassword',
          summary: 'Set a password with a one-time code',
          description: 'Ends all sessions of the user.',
          body: Reset,
          response: responses({ 204: Nothing }),
        },
      },
      async (request, reply) => {
        using _place = await passwords.takePlace();
        const { code, password } = request.body;
        const invalid = problem({
          status: 400,
          kind: 'invalid-code',
          detail: 'The code is mistyped, used or expired. An administrator can issue another one.',
          errors: [{ in: 'body', pointer: '/code', detail: 'is mistyped, used or expired' }],
        });
        if (!isSecret('rcc_', code)) throw invalid;
        const key = keyOf(code);
        const owner = await db.codes.findOwner(key, Date.now());
        if (!owner) throw invalid;
        const passwordHash = await passwords.hash(password);
        const now = Date.now();
        const target = targetOf(owner);
        const used = await request.record({ event: 'password-reset', actor: owner, via: 'code', target }, [
          db.codes.use(key, now),
          db.users.setPassword(owner.id, passwordHash, now),
          db.sessions.endAllOf(owner.id),
          attempts.forget(request, owner.username),
        ]);
        if (!used) throw invalid;
        return reply.code(204).send();
      },
    );

    if (!options.signUp) return;
    scope.post(
      '/up',
      {
        config: { anonymous: true },
        onRequest: app.requireRoom,
        schema: {
          operationId: 'signUp',
          summary: 'Make oneself an account',
          description: 'Only where the setting SIGN_UP is open.',
          body: SignUp,
          response: responses({ 201: User }),
          errors: [409, 429],
        },
      },
      async (request, reply) => {
        using _place = await passwords.takePlace();
        await attempts.count(request, 'POST /api/sign/up');
        const { password, ...given } = request.body;
        const fields = { name: '', email: null, active: true, ...given };
        const id = randomUUIDv7();
        const passwordHash = await passwords.hash(password);
        const actor = { id, username: fields.username };
        const target = targetOf({ id, username: fields.username });
        await request.record({ event: 'signed-up', actor, via: 'sign-up', target, after: fields }, [
          db.users.add({ id, ...fields, passwordHash }, Date.now()),
        ]);
        const row = await app.readBack('user', () => db.users.find(id));
        reply.code(201).header('location', `/api/users/${id}`).version(row);
        return userJson(row);
      },
    );
  };

  app.register(signedIn);
  app.register(anyone);
};

export default account;
