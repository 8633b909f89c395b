/** How a user gets another password: they change their own, or get a one-time code with which they set one. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { targetOf } from '../../../db/queries/audit.ts';
import { Body, IdParams, Nothing, Password, responses, sessionOnly } from '../../../schemas/common.ts';
import { keyOf } from '../../../schemas/secrets.ts';
import { ResetCode } from '../../../schemas/tokens.ts';
import { NewPassword } from '../../../schemas/users.ts';
import { issueCode, RESET_LIFETIME } from './codes.ts';

const PasswordChange = Body(
  { current: Password({ minLength: 1 }), password: NewPassword },
  { examples: [{ current: 'correct horse', password: 'battery staple' }] },
);

const password: FastifyPluginAsyncTypebox = async (app) => {
  const { attempts, db, passwords, problem, sessionCookie } = app;

  app.put(
    '/:id/password',
    {
      onRequest: [app.requireFresh, app.requireRoom],
      schema: {
        operationId: 'changePassword',
        security: sessionOnly,
        summary: 'Change your password',
        description:
          'Asks for a fresh session. Your other sessions end; this one goes on under a new cookie. Your API tokens stay.',
        params: IdParams,
        body: PasswordChange,
        response: responses({ 204: Nothing }),
        errors: [403, 409, 429],
      },
    },
    async (request, reply) => {
      const user = request.caller();
      if (user.id !== request.params.id) {
        throw problem({
          status: 403,
          detail:
            'Only the users themselves change their password. Issue a one-time code: POST /api/users/:id/reset.',
        });
      }
      using _place = await passwords.takePlace();
      const { current, password } = request.body;
      const forget = await attempts.count(request, user.username);
      const oldHash = await db.users.passwordHash(user.id);
      const target = targetOf(user);
      if (!(await passwords.verify(oldHash, current)) || !oldHash) {
        await request.record({ event: 'confirm-refused', target }, []);
        throw problem({
          status: 401,
          detail: 'The current password is wrong.',
          errors: [{ in: 'body', pointer: '/current', detail: 'is wrong' }],
        });
      }
      const passwordHash = await passwords.hash(password);
      const { key, remembered, endsAt } = request.ownSession();
      const secret = sessionCookie.makeSecret();
      const now = Date.now();
      const changed = await request.record({ event: 'password-changed', target }, [
        db.users.changePassword({ id: user.id, oldHash, passwordHash }, now),
        db.sessions.endOthersOf(user.id, key),
        db.sessions.renew(key, keyOf(secret), now),
        db.codes.removeAllOf(user.id),
        forget,
      ]);
      if (!changed) {
        throw problem({
          status: 409,
          detail:
            'The password was changed, or this session was ended, while you did this. Sign in and try again.',
        });
      }
      reply.header('set-cookie', sessionCookie.header(secret, remembered ? new Date(endsAt) : undefined));
      return reply.code(204).send();
    },
  );

  app.post(
    '/:id/reset',
    {
      onRequest: app.requirePermission('users:write'),
      schema: {
        operationId: 'issueResetCode',
        summary: 'Issue a one-time code to set a password with',
        description: `Asks for users:write, for all that the user holds, and for a fresh session or a token; not for oneself. It can be used within ${RESET_LIFETIME / 60_000} minutes, and takes the place of an earlier one.`,
        params: IdParams,
        response: responses({ 201: ResetCode }),
        errors: [403, 404],
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      if (request.caller().id === id) {
        throw problem({
          status: 403,
          detail: "One changes one's own password by PUT /api/users/:id/password.",
        });
      }
      request.mustBeFresh();
      await app.mustRule(request, id);
      const row = await db.users.find(id);
      if (!row) throw app.notFound('user');
      const { shown, writes } = issueCode(app.db, id, request.actingId(), RESET_LIFETIME);
      const target = targetOf({ id, username: row.username });
      await request.record({ event: 'code-issued', target, after: { expiresAt: shown.expiresAt } }, writes);
      return reply.code(201).send(shown);
    },
  );
};

export default password;
