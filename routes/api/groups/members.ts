/** Who belongs to a group: read and changed by the group's managers, and by who may write groups. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { listMembers, removeMember, requireGroupManager, setMember } from '../../../accounts/members.ts';
import { Body, Id, IdParams, Nothing, Page, PageQuery, responses, toId } from '../../../schemas/common.ts';
import { Member, memberJson, Role } from '../../../schemas/groups.ts';

const MemberParams = Type.Object({ id: Id, userId: Id });
const Membership = Body({ role: Role }, { examples: [{ role: 'member' }] });

const listing = {
  operationId: 'listMembers',
  summary: 'List the members of a group',
  description: 'For its managers, and for who holds groups:write.',
  params: IdParams,
  querystring: PageQuery,
  response: responses({ 200: Page(Member) }),
  errors: [403, 404],
};

const putting = {
  operationId: 'putMember',
  summary: 'Let a user belong to a group, or change their role',
  description:
    'For its managers, and for who holds groups:write; they must hold each permission that the group carries. If the user comes to hold more, their sessions end.',
  params: MemberParams,
  body: Membership,
  response: responses({ 200: Member }),
  errors: [403, 404, 409],
};

const removing = {
  operationId: 'removeMember',
  summary: 'Let a user not belong to a group any more',
  description:
    'For its managers, and for who holds groups:write; unless it is themselves, they must hold each permission that the group carries.',
  params: MemberParams,
  response: responses({ 204: Nothing }),
  errors: [403, 404, 409],
};

const members: FastifyPluginAsyncTypebox = async (app) => {
  const { db } = app;

  // The validation, which comes next, refuses what is no id.
  const managersOrWriters = async (request: Pick<FastifyRequest, 'actor'> & { params: { id: string } }) => {
    const id = toId(request.params.id);
    if (id) await requireGroupManager(db, request.actor(), id);
  };

  app.get('/', { schema: listing }, async (request, reply) => {
    const { after = '', limit } = request.query;
    const members = await listMembers(db, request.actor(), request.params.id, after, limit + 1);
    return reply.page(members, limit, memberJson);
  });

  app.put('/:userId', { onRequest: managersOrWriters, schema: putting }, async (request) => {
    const { id, userId } = request.params;
    const { member } = await setMember(db, request.actor(), id, userId, request.body.role);
    return memberJson(member);
  });

  app.delete('/:userId', { onRequest: managersOrWriters, schema: removing }, async (request, reply) => {
    const { id, userId } = request.params;
    await removeMember(db, request.actor(), id, userId);
    return reply.code(204).send();
  });
};

export default members;
