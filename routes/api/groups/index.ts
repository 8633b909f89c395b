/** Groups, and the permissions that they carry. Who belongs to a group is in members.ts. */
import { randomUUIDv7 } from 'node:crypto';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { Body, IdParams, Nothing, Page, PageQuery, responses } from '../../../schemas/common.ts';
import { Group, GroupName, GroupTitle, groupJson, Permissions } from '../../../schemas/groups.ts';
import members from './members.ts';

const WRITE = 'groups:write';

const NewGroup = Body({
  name: GroupName,
  title: Type.Optional(GroupTitle),
  permissions: Type.Optional(Permissions),
});

const Changes = Body(
  {
    name: Type.Optional(GroupName),
    title: Type.Optional(GroupTitle),
    permissions: Type.Optional(Permissions),
  },
  { minProperties: 1 },
);

const groups: FastifyPluginAsyncTypebox = async (app) => {
  const { db, notFound } = app;

  app.addHook('onRequest', app.requireSignedIn);

  const readers: FastifyPluginAsyncTypebox = async (scope) => {
    scope.get(
      '/',
      { schema: { querystring: PageQuery, response: responses({ 200: Page(Group) }) } },
      async (request, reply) => {
        const { after = '', limit } = request.query;
        return reply.page(await db.groups.page(after, limit + 1), limit, groupJson);
      },
    );

    scope.get(
      '/:id',
      { schema: { params: IdParams, response: responses({ 200: Group }) } },
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
      { schema: { body: NewGroup, response: responses({ 201: Group }) } },
      async (request, reply) => {
        const id = randomUUIDv7();
        const group = { id, title: '', permissions: [], ...request.body };
        await request.mustHold(...group.permissions);
        await db.atomically(db.groups.add(group, Date.now()));
        const row = await app.readBack('group', () => db.groups.find(id));
        reply.code(201).header('location', `/api/groups/${id}`).version(row);
        return groupJson(row);
      },
    );

    scope.patch(
      '/:id',
      { schema: { params: IdParams, body: Changes, response: responses({ 200: Group }) } },
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
            if (!request.body.permissions) return (await db.atomically([change])) === undefined;
            await request.mustHold(...group.permissions.filter((each) => !row.permissions.includes(each)));
            return app.keepAdministrator([change, ...db.groups.setPermissions(id, group.permissions)]);
          },
        );
        const row = await app.readBack('group', () => db.groups.find(id));
        reply.version(row);
        return groupJson(row);
      },
    );

    scope.delete(
      '/:id',
      { schema: { params: IdParams, response: responses({ 204: Nothing }) } },
      async (request, reply) => {
        const { id } = request.params;
        await request.edit(
          'group',
          () => db.groups.find(id),
          async (row) => {
            await request.mustHold(...row.permissions);
            return app.keepAdministrator([db.groups.remove(row)]);
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
