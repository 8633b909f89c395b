/** Users and their upkeep. Finding them is in list.ts, their passwords and sessions in the files of these names. */
import { randomUUIDv7 } from 'node:crypto';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import { Type } from '../../../config/type.ts';
import { targetOf } from '../../../db/queries/audit.ts';
import { differences } from '../../../schemas/audit.ts';
import { Body, IdParams, Nothing, Nullable, responses } from '../../../schemas/common.ts';
import { ResetCode } from '../../../schemas/tokens.ts';
import { DisplayName, Email, NewPassword, User, Username, userJson } from '../../../schemas/users.ts';
import { INVITATION_LIFETIME, issueCode } from './codes.ts';
import list from './list.ts';
import password from './password.ts';
import sessions from './sessions.ts';

const WRITE = 'users:write';

const NewUser = Body(
  {
    username: Username,
    name: Type.Optional(DisplayName),
    email: Type.Optional(Nullable(Email)),
    /** Without one, the answer carries a one-time code with which the user sets it. */
    password: Type.Optional(NewPassword),
    active: Type.Optional(Type.Boolean()),
  },
  { examples: [{ username: 'bob', name: 'Bob Moss', email: 'bob@example.org' }] },
);

const Changes = Body(
  {
    username: Type.Optional(Username),
    name: Type.Optional(DisplayName),
    email: Type.Optional(Nullable(Email)),
    active: Type.Optional(Type.Boolean()),
  },
  { minProperties: 1, examples: [{ name: 'Robert Moss' }] },
);

const CreatedUser = Type.Object({ ...User.properties, reset: Type.Optional(ResetCode) });

/** What users may change of themselves without a permission. */
const OWN_FIELDS = ['name', 'email'];

const users: FastifyPluginAsyncTypebox = async (app) => {
  const { db, passwords, problem } = app;

  async function refuseForeignFields(
    request: FastifyRequest,
    changes: Static<typeof Changes>,
  ): Promise<void> {
    const foreign = Object.keys(changes).filter((field) => !OWN_FIELDS.includes(field));
    if (foreign.length === 0 || (await request.holds(WRITE))) return;
    throw problem({
      status: 403,
      detail: `Of yourself you may change ${OWN_FIELDS.join(' and ')}; the rest asks for the permission ${WRITE}.`,
      errors: foreign.map((field) => ({ in: 'body', pointer: `/${field}`, detail: `asks for ${WRITE}` })),
    });
  }

  app.addHook('onRequest', app.requireSignedIn);

  const oneselfOrWriters: FastifyPluginAsyncTypebox = async (scope) => {
    scope.patch(
      '/:id',
      {
        schema: {
          operationId: 'changeUser',
          summary: 'Change a user',
          description: `Asks for ${WRITE}, and, but for the name, for all that the user holds; or, for name and email, to be that user.`,
          params: IdParams,
          body: Changes,
          response: responses({ 200: User }),
          errors: [403, 404, 409, 412],
        },
        onRequest: async (request) => {
          if (!request.isSelf(request.params.id)) await request.mustHold(WRITE);
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        await refuseForeignFields(request, request.body);
        // With what they sign in, and whether they can.
        if (Object.keys(request.body).some((field) => field !== 'name')) {
          request.mustBeFresh();
          await app.mustRule(request, id);
        }
        await request.edit(
          'user',
          () => db.users.find(id),
          async (row) => {
            const user = { ...row, ...request.body };
            const target = targetOf({ id, username: row.username });
            const happening = { event: 'user-changed' as const, target, ...differences(row, request.body) };
            const change = db.users.change(user, Date.now());
            if (!row.active || user.active) return request.record(happening, [change]);
            const ending = [db.sessions.endAllOf(id), db.codes.removeIssuedBy(id)];
            return request.record(happening, [change, ...ending], app.keepAdministrator);
          },
        );
        const row = await app.readBack('user', () => db.users.find(id));
        reply.version(row);
        return userJson(row);
      },
    );
  };

  const writers: FastifyPluginAsyncTypebox = async (scope) => {
    scope.addHook('onRequest', app.requirePermission(WRITE));

    scope.post(
      '/',
      {
        schema: {
          operationId: 'createUser',
          summary: 'Make a user',
          description: `Asks for the permission ${WRITE}. Without a password, the answer carries a one-time code with which the user sets it.`,
          body: NewUser,
          response: responses({ 201: CreatedUser }),
          errors: [403, 409],
        },
      },
      async (request, reply) => {
        const { password, ...given } = request.body;
        const id = randomUUIDv7();
        const fields = { name: '', email: null, active: true, ...given };
        const passwordHash = password === undefined ? null : await passwords.hash(password);
        const invitation =
          password === undefined ? issueCode(db, id, request.actingId(), INVITATION_LIFETIME) : undefined;
        const target = targetOf({ id, username: fields.username });
        await request.record({ event: 'user-created', target, after: fields }, [
          db.users.add({ id, ...fields, passwordHash }, Date.now()),
          ...(invitation?.writes ?? []),
        ]);
        const row = await app.readBack('user', () => db.users.find(id));
        reply.code(201).header('location', `/api/users/${id}`).version(row);
        return { ...userJson(row), ...(invitation ? { reset: invitation.shown } : {}) };
      },
    );

    scope.delete(
      '/:id',
      {
        schema: {
          operationId: 'deleteUser',
          summary: 'Remove a user',
          description: `Asks for ${WRITE}, and for all that the user holds. Their sessions, tokens and memberships go with them.`,
          params: IdParams,
          response: responses({ 204: Nothing }),
          errors: [403, 404, 409, 412],
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        await app.mustRule(request, id);
        await request.edit(
          'user',
          () => db.users.find(id),
          (row) => {
            const target = targetOf({ id, username: row.username });
            const { username, name, email, active } = row;
            const happening = {
              event: 'user-deleted' as const,
              target,
              before: { username, name, email, active },
            };
            const writes = [db.users.remove(row), db.codes.removeIssuedBy(id)];
            return request.record(happening, writes, app.keepAdministrator);
          },
        );
        return reply.code(204).send();
      },
    );
  };

  app.register(list);
  app.register(oneselfOrWriters);
  app.register(writers);
  app.register(password);
  app.register(sessions);
};

export default users;
