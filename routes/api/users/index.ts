/** Users and their upkeep. Finding and reading them is in list.ts and read.ts, their passwords and sessions in the files of these names. */

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { requireFreshSession, WRITE_USERS } from '../../../accounts/authorization.ts';
import { changeUser, createUser, deleteUser, requireMayChangeUser } from '../../../accounts/users.ts';
import { visibilityFor } from '../../../accounts/visibility.ts';
import { codeJson, ResetCode } from '../../../schemas/codes.ts';
import { Body, IdParams, Nothing, Nullable, responses, toId } from '../../../schemas/common.ts';
import {
  DisplayName,
  Email,
  NewPassword,
  UserDetail,
  Username,
  userDetailJson,
} from '../../../schemas/users.ts';
import list from './list.ts';
import password from './password.ts';
import read from './read.ts';
import sessions from './sessions.ts';

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

const CreatedUser = Type.Object({ ...UserDetail.properties, reset: Type.Optional(ResetCode) });

const changing = {
  operationId: 'changeUser',
  summary: 'Change a user',
  description: `Asks for ${WRITE_USERS}, and, but for the name, for all that the user holds; or, for name and email, to be that user. The address that users without ${WRITE_USERS} give themselves is pending, until a holder of ${WRITE_USERS} sends the same one. A bearer token changes nothing of its owner.`,
  params: IdParams,
  body: Changes,
  response: responses({ 200: UserDetail }),
  errors: [403, 404, 409, 412],
};

const creating = {
  operationId: 'createUser',
  summary: 'Make a user',
  description: `Asks for the permission ${WRITE_USERS}, and for a fresh session or a bearer token. Without a password, the answer carries a one-time code with which the user sets it.`,
  body: NewUser,
  response: responses({ 201: CreatedUser }),
  errors: [403, 409],
};

const deleting = {
  operationId: 'deleteUser',
  summary: 'Remove a user',
  description: `Asks for ${WRITE_USERS}, for all that the user holds, and for a fresh session or a bearer token. All that is theirs goes with them: sessions, memberships and the rest. A bearer token does not remove its owner.`,
  params: IdParams,
  response: responses({ 204: Nothing }),
  errors: [403, 404, 409, 412],
};

const oneselfOrWriters: FastifyPluginAsyncTypebox = async (scope) => {
  const { db } = scope;
  scope.patch(
    '/:id',
    {
      schema: changing,
      onRequest: async (request) => {
        const { id } = request.params;
        requireMayChangeUser(request.actor(), toId(id) ?? id);
      },
    },
    async (request, reply) => {
      const { body, params } = request;
      const actor = request.actor();
      const row = await changeUser(db, actor, params.id, body, request.versionMatch());
      reply.version(row);
      return userDetailJson(row, visibilityFor(actor)(row.id));
    },
  );
};

const writers: FastifyPluginAsyncTypebox = async (scope) => {
  const { db, passwords } = scope;
  scope.addHook('onRequest', scope.requirePermission(WRITE_USERS));

  // Before a password is checked and hashed.
  const onRequest = async (request: FastifyRequest) => requireFreshSession(request.actor());
  scope.post('/', { onRequest, schema: creating }, async (request, reply) => {
    const { password, ...fields } = request.body;
    const made = { name: '', email: null, active: true, ...fields };
    using _slot = password === undefined ? undefined : await passwords.acquireSlot();
    const passwordHash = password === undefined ? null : await passwords.hashNew(password, made);
    const actor = request.actor();
    const { user, code } = await createUser(db, actor, { ...made, passwordHash });
    reply.code(201).header('location', `/api/users/${user.id}`).version(user);
    return {
      ...userDetailJson(user, visibilityFor(actor)(user.id)),
      ...(code ? { reset: codeJson(code) } : {}),
    };
  });

  scope.delete('/:id', { schema: deleting }, async (request, reply) => {
    await deleteUser(db, request.actor(), request.params.id, request.versionMatch());
    return reply.code(204).send();
  });
};

const users: FastifyPluginAsyncTypebox = async (app) => {
  app.describeRoutes('The directory of users, and its upkeep');
  app.addHook('onRequest', app.requireSignedIn);

  app.register(list);
  app.register(read);
  app.register(oneselfOrWriters);
  app.register(writers);
  app.register(password);
  app.register(sessions);
};

export default users;
