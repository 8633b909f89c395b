/** Groups, and the permissions that they carry. Who belongs to a group is in members.ts. */
import { randomUUIDv7 } from 'node:crypto';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from '../../../config/type.ts';
import { differences } from '../../../schemas/audit.ts';
import { Body, IdParams, Nothing, Page, PageQuery, responses } from '../../../schemas/common.ts';
import { Group, GroupName, GroupTitle, groupJson, Permissions } from '../../../schemas/groups.ts';
import members from './members.ts';

const WRITE = 'groups:write';

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

const groups: FastifyPluginAsyncTypebox = async (app) => {
  const { db, notFound } = app;

  app.addHook('onRequest', app.requireSignedIn);

  const readers: FastifyPluginAsyncTypebox = async (scope) => {
    scope.get(
      '/',
      {
        schema: {
          operationId: 'listGroups',
          summary: 'List groups',
          querystring: PageQuery,
          response: responses({ 200: Page(Group) }),
        },
      },
      async (request, reply) => {
        const { after = '', limit } = request.query;
        return reply.page(await db.groups.page(after, limit + 1), limit, groupJson);
      },
    );

    scope.get(
      '/:id',
      {
        schema: {
          operationId: 'getGroup',
          summary: 'Read one group',
          params: IdParams,
          response: responses({ 200: Group }),
          errors: [404],
        },
      },
      async (request, reply) => {
        const row = await db.groups.find(request.params.id);
        if (!row) throw notFound('group');
        reply.version(row);
        return groupJson(row);
      },
    );
  };

  const writers: FastifyPluginAsyncTypebox = async (scope) => {
    scope.addHook('onRequest', app.requirePermission(WRITE));

    scope.post(
      '/',
      {
        schema: {
          operationId: 'createGroup',
          summary: 'Make a group',
          description: `Asks for ${WRITE}, and for each permission that the group is to carry.`,
          body: NewGroup,
          response: responses({ 201: Group }),
          errors: [403, 409],
        },
      },
      async (request, reply) => {
        const id = randomUUIDv7();
        const group = { id, title: '', permissions: [], ...request.body };
        if (group.permissions.length > 0) request.mustBeFresh();
        await request.mustHold(...group.permissions);
        const { name, title, permissions } = group;
        const target = { kind: 'group' as const, id, name };
        await request.record(
          { event: 'group-created', target, after: { name, title, permissions } },
          db.groups.add(group, Date.now()),
        );
        const row = await app.readBack('group', () => db.groups.find(id));
        reply.code(201).header('location', `/api/groups/${id}`).version(row);
        return groupJson(row);
      },
    );

    scope.patch(
      '/:id',
      {
        schema: {
          operationId: 'changeGroup',
          summary: 'Change a group',
          description: `Asks for ${WRITE}, and for each permission that the group carries or is to carry.`,
          params: IdParams,
          body: Changes,
          response: responses({ 200: Group }),
          errors: [403, 404, 409, 412],
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        await request.edit(
          'group',
          () => db.groups.find(id),
          async (row) => {
            const group = { ...row, ...request.body };
            // A group is in the hands of those who hold all that it carries.
            await request.mustHold(...row.permissions);
            const change = db.groups.change(group, Date.now());
            const target = { kind: 'group' as const, id, name: row.name };
            const happening = { event: 'group-changed' as const, target, ...differences(row, request.body) };
            if (!request.body.permissions) return request.record(happening, [change]);
            request.mustBeFresh();
            await request.mustHold(...group.permissions.filter((each) => !row.permissions.includes(each)));
            const writes = [
              change,
              ...db.groups.setPermissions(id, group.permissions),
              db.codes.removeOfMembers(id, request.actingId()),
            ];
            return request.record(happening, writes, app.keepAdministrator);
          },
        );
        const row = await app.readBack('group', () => db.groups.find(id));
        reply.version(row);
        return groupJson(row);
      },
    );

    scope.delete(
      '/:id',
      {
        schema: {
          operationId: 'deleteGroup',
          summary: 'Remove a group',
          description: `Asks for ${WRITE}, and for each permission that the group carries.`,
          params: IdParams,
          response: responses({ 204: Nothing }),
          errors: [403, 404, 409, 412],
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        await request.edit(
          'group',
          () => db.groups.find(id),
          async (row) => {
            await request.mustHold(...row.permissions);
            const { name, title, permissions } = row;
            const target = { kind: 'group' as const, id, name };
            const happening = {
              event: 'group-deleted' as const,
              target,
              before: { name, title, permissions },
            };
            return request.record(happening, [db.groups.remove(row)], app.keepAdministrator);
          },
        );
        return reply.code(204).send();
      },
    );
  };

  app.register(readers);
  app.register(writers);
  app.register(members, { prefix: '/:id/members' });
};

export default groups;
