/** Confirming the password, setting one with a code, and signing up. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { useCode } from '../../../accounts/codes.ts';
import { listEnds } from '../../../accounts/follow-ups.ts';
import { confirmPassword } from '../../../accounts/passwords.ts';
import { keyOf } from '../../../accounts/secrets.ts';
import { signUp } from '../../../accounts/sign-up.ts';
import { OWN } from '../../../accounts/visibility.ts';
import { Body, Nothing, Nullable, Password, responses, sessionOnly } from '../../../schemas/common.ts';
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

const signedIn: FastifyPluginAsyncTypebox = async (scope) => {
  const { db, passwords, sessionCookie } = scope;
  scope.addHook('onRequest', scope.requireSignedIn);
  scope.addHook('onRequest', scope.requireSession);

  scope.post(
    '/confirm',
    {
      onRequest: scope.requireCapacity,
      schema: {
        operationId: 'confirm',
        security: sessionOnly,
        summary: 'Give the password again',
        description:
          'The session is fresh again, as sensitive changes ask for, and goes on under a new cookie. The old one no longer works.',
        body: Confirmation,
        response: responses({ 204: Nothing }),
        errors: [403, 429],
      },
    },
    async (request, reply) => {
      using _slot = await passwords.acquireSlot();
      const secret = sessionCookie.makeSecret();
      const confirmation = { ...request.body, newKey: keyOf(secret) };
      await confirmPassword(db, passwords, request.actor(), confirmation);
      reply.sendSessionCookie(secret);
      return reply.code(204).send();
    },
  );
};

const anyone: FastifyPluginAsyncTypebox<{ signUp: boolean }> = async (scope, options) => {
  const { db, passwords } = scope;
  scope.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
  });

  scope.post(
    '/reset',
    {
      config: { anonymous: true },
      onRequest: scope.requireCapacity,
      schema: {
        operationId: 'resetPassword',
        summary: 'Set a password with a one-time code',
        description: `Ends the user's ${listEnds('password-reset', 'sessions')}.`,
        body: Reset,
        response: responses({ 204: Nothing }),
        errors: [429],
      },
    },
    async (request, reply) => {
      using _slot = await passwords.acquireSlot();
      const { code, password } = request.body;
      await useCode(db, passwords, request.actor(), code, password);
      return reply.code(204).send();
    },
  );

  if (!options.signUp) return;
  scope.post(
    '/up',
    {
      config: { anonymous: true },
      onRequest: scope.requireCapacity,
      schema: {
        operationId: 'signUp',
        summary: 'Make oneself an account',
        description:
          'Only where the setting SIGN_UP is open. The e-mail address is pending, whether or not another user has it.',
        body: SignUp,
        response: responses({ 201: User }),
        errors: [409, 429],
      },
    },
    async (request, reply) => {
      using _slot = await passwords.acquireSlot();
      const fields = { name: '', email: null, ...request.body };
      const row = await signUp(db, passwords, request.actor(), fields);
      reply.code(201).header('location', `/api/users/${row.id}`).version(row);
      return userJson(row, OWN);
    },
  );
};

const account: FastifyPluginAsyncTypebox<{ signUp: boolean }> = async (app, options) => {
  app.register(signedIn);
  app.register(anyone, options);
};

export default account;
