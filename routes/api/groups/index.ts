/** Groups, and the permissions that they carry. Who belongs to a group is in members.ts. */

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { WRITE_GROUPS } from '../../../accounts/authorization.ts';
import { changeGroup, createGroup, deleteGroup } from '../../../accounts/groups.ts';
import { Body, IdParams, Nothing, Page, PageQuery, responses } from '../../../schemas/common.ts';
import { Group, GroupName, GroupTitle, groupJson, Permissions } from '../../../schemas/groups.ts';
import members from './members.ts';

const NewGroup = Body(
  {
    name: GroupName,
    title: Type.Optional(GroupTitle),
    permissions: Type.Optional(Permissions),
  },
  { examples: [{ name: 'readers', title: 'Readers', permissions: ['audit:read'] }] },
);

const Changes = Body(
  {
    name: Type.Optional(GroupName),
    title: Type.Optional(GroupTitle),
    permissions: Type.Optional(Permissions),
  },
  { minProperties: 1, examples: [{ title: 'All readers' }] },
);

const listing = {
  operationId: 'listGroups',
  summary: 'List groups',
  querystring: PageQuery,
  response: responses({ 200: Page(Group) }),
};

const reading = {
  operationId: 'getGroup',
  summary: 'Read one group',
  params: IdParams,
  response: responses({ 200: Group }),
  errors: [404],
};

const creating = {
  operationId: 'createGroup',
  summary: 'Make a group',
  description: `Asks for ${WRITE_GROUPS}, and for each permission that the group is to carry.`,
  body: NewGroup,
  response: responses({ 201: Group }),
  errors: [403, 409],
};

const changing = {
  operationId: 'changeGroup',
  summary: 'Change a group',
  description: `Asks for ${WRITE_GROUPS}, and for each permission that the group carries or is to carry. The sessions of members who come to hold more end.`,
  params: IdParams,
  body: Changes,
  response: responses({ 200: Group }),
  errors: [403, 404, 409, 412],
};

const deleting = {
  operationId: 'deleteGroup',
  summary: 'Remove a group',
  description: `Asks for ${WRITE_GROUPS}, for each permission that the group carries, and for a fresh session or a bearer token.`,
  params: IdParams,
  response: responses({ 204: Nothing }),
  errors: [403, 404, 409, 412],
};

const readers: FastifyPluginAsyncTypebox = async (scope) => {
  const { db, notFound } = scope;
  scope.get('/', { schema: listing }, async (request, reply) => {
    const { after = '', limit } = request.query;
    return reply.page(await db.groups.page(after, limit + 1), limit, groupJson);
  });

  scope.get('/:id', { schema: reading }, async (request, reply) => {
    const row = await db.groups.find(request.params.id);
    if (!row) throw notFound('group');
    reply.version(row);
    return groupJson(row);
  });
};

const writers: FastifyPluginAsyncTypebox = async (scope) => {
  const { db } = scope;
  scope.addHook('onRequest', scope.requirePermission(WRITE_GROUPS));

  scope.post('/', { schema: creating }, async (request, reply) => {
    const group = { title: '', permissions: [], ...request.body };
    const row = await createGroup(db, request.actor(), group);
    reply.code(201).header('location', `/api/groups/${row.id}`).version(row);
    return groupJson(row);
  });

  scope.patch('/:id', { schema: changing }, async (request, reply) => {
    const { body, params } = request;
    const row = await changeGroup(db, request.actor(), params.id, body, request.versionMatch());
    reply.version(row);
    return groupJson(row);
  });

  scope.delete('/:id', { schema: deleting }, async (request, reply) => {
    await deleteGroup(db, request.actor(), request.params.id, request.versionMatch());
    return reply.code(204).send();
  });
};

const groups: FastifyPluginAsyncTypebox = async (app) => {
  app.describeRoutes('Groups, the permissions that they carry, and who belongs to them');
  app.addHook('onRequest', app.requireSignedIn);

  app.register(readers);
  app.register(writers);
  app.register(members, { prefix: '/:id/members' });
};

export default groups;
