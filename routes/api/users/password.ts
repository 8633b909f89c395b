/** How a user gets another password: they change their own, or get a one-time code with which they set one. */

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { WRITE_USERS } from '../../../accounts/authorization.ts';
import { issueCode, RESET_LIFETIME } from '../../../accounts/codes.ts';
import { changePassword } from '../../../accounts/passwords.ts';
import { keyOf } from '../../../accounts/secrets.ts';
import { codeJson, ResetCode } from '../../../schemas/codes.ts';
import { Body, IdParams, Nothing, Password, responses, sessionOnly } from '../../../schemas/common.ts';
import { NewPassword } from '../../../schemas/users.ts';

const PasswordChange = Body(
  { current: Password({ minLength: 1 }), password: NewPassword },
  { examples: [{ current: 'correct horse', password: 'battery staple' }] },
);

const password: FastifyPluginAsyncTypebox = async (app) => {
  const { db, passwords, sessionCookie } = app;

  app.put(
    '/:id/password',
    {
      onRequest: [app.requireFreshSession, app.requireCapacity],
      schema: {
        operationId: 'changePassword',
        security: sessionOnly,
        summary: 'Change your password',
        description:
          'Asks for a fresh session. Your other sessions end, and so do one-time codes; this session goes on under a new cookie.',
        params: IdParams,
        body: PasswordChange,
        response: responses({ 204: Nothing }),
        errors: [403, 409, 429],
      },
    },
    async (request, reply) => {
      using _slot = await passwords.acquireSlot();
      const secret = sessionCookie.makeSecret();
      const change = { ...request.body, newKey: keyOf(secret) };
      await changePassword(db, passwords, request.actor(), request.params.id, change);
      reply.sendSessionCookie(secret);
      return reply.code(204).send();
    },
  );

  app.post(
    '/:id/reset',
    {
      onRequest: app.requirePermission(WRITE_USERS),
      schema: {
        operationId: 'issueResetCode',
        summary: 'Issue a one-time code to set a password with',
        description: `Asks for users:write, for all that the user holds, and for a fresh session or a bearer token; not for oneself. It can be used within ${RESET_LIFETIME / 60_000} minutes, and takes the place of an earlier one.`,
        params: IdParams,
        response: responses({ 201: ResetCode }),
        errors: [403, 404],
      },
    },
    async (request, reply) => {
      const issued = await issueCode(db, request.actor(), request.params.id);
      return reply.code(201).send(codeJson(issued));
    },
  );
};

export default password;
