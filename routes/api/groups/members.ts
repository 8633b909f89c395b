/** Who belongs to a group: read and changed by the group's managers, and by who may write groups. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { Body, Id, IdParams, isId, Nothing, Page, PageQuery, responses } from '../../../schemas/common.ts';
import { Member, memberJson, Role } from '../../../schemas/groups.ts';

const MemberParams = Type.Object({ id: Id, userId: Id });
const Membership = Body({ role: Role });

type InGroup = Pick<FastifyRequest, 'caller' | 'mustHold'> & { params: { id: string } };

const members: FastifyPluginAsyncTypebox = async (app) => {
  const { db, notFound } = app;

  async function managersOrWriters(request: InGroup): Promise<void> {
    // What is no id is refused by the validation, which comes next; some engines can't even compare it with one.
    if (!isId(request.params.id)) return;
    const role = await db.memberships.role(request.params.id, request.caller().id);
    if (role !== 'manager') await request.mustHold('groups:write');
  }

  app.get(
    '/',
    {
      onRequest: managersOrWriters,
      schema: { params: IdParams, querystring: PageQuery, response: responses({ 200: Page(Member) }) },
    },
    async (request, reply) => {
      const { after = '', limit } = request.query;
      const rows = await db.memberships.page(request.params.id, after, limit + 1);
      if (rows.length === 0 && !(await db.groups.find(request.params.id))) throw notFound('group');
      return reply.page(rows, limit, memberJson);
    },
  );

  app.put(
    '/:userId',
    {
      onRequest: managersOrWriters,
      schema: { params: MemberParams, body: Membership, response: responses({ 200: Member }) },
    },
    async (request) => {
      const { id: groupId, userId } = request.params;
      const group = await db.groups.find(groupId);
      if (!group) throw notFound('group');
      // Whoever joins gets what the group carries: that is granting it.
      await request.mustHold(...group.permissions);
      await db.atomically(db.memberships.put({ groupId, userId, role: request.body.role }, Date.now()));
      return memberJson(await app.readBack('user', () => db.memberships.find(groupId, userId)));
    },
  );

  app.delete(
    '/:userId',
    { onRequest: managersOrWriters, schema: { params: MemberParams, response: responses({ 204: Nothing }) } },
    async (request, reply) => {
      const { id, userId } = request.params;
      const group = await db.groups.find(id);
      if (!group) throw notFound('group');
      if (userId !== request.caller().id) await request.mustHold(...group.permissions);
      if (!(await app.keepAdministrator([db.memberships.remove(id, userId)]))) throw notFound('member');
      return reply.code(204).send();
    },
  );
};

export default members;
