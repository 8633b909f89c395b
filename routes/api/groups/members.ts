/** Who belongs to a group: read and changed by the group's managers, and by who may write groups. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { Type } from '../../../config/type.ts';
import { editPersistently } from '../../../db/edit.ts';
import { DuplicateError } from '../../../db/engine.ts';
import { targetOf } from '../../../db/queries/audit.ts';
import { Body, Id, IdParams, isId, Nothing, Page, PageQuery, responses } from '../../../schemas/common.ts';
import { Member, memberJson, Role } from '../../../schemas/groups.ts';

const MemberParams = Type.Object({ id: Id, userId: Id });
const Membership = Body({ role: Role }, { examples: [{ role: 'member' }] });

type InGroup = Pick<FastifyRequest, 'caller' | 'isSelf' | 'mustHold'> & { params: { id: string } };

const members: FastifyPluginAsyncTypebox = async (app) => {
  const { db, notFound } = app;

  async function managersOrWriters(request: InGroup): Promise<void> {
    // What is no id is refused by the validation, which comes next; some engines can't even compare it with one.
    if (!isId(request.params.id)) return;
    const { id } = request.caller();
    const role = request.isSelf(id) ? await db.memberships.role(request.params.id, id) : undefined;
    if (role !== 'manager') await request.mustHold('groups:write');
  }

  app.get(
    '/',
    {
      config: { asksPermissions: true },
      schema: {
        operationId: 'listMembers',
        summary: 'List the members of a group',
        description: 'For its managers, and for who holds groups:write.',
        params: IdParams,
        querystring: PageQuery,
        response: responses({ 200: Page(Member) }),
        errors: [403, 404],
      },
    },
    async (request, reply) => {
      const { after = '', limit } = request.query;
      const { id: caller } = request.caller();
      // Whether they may is read with what they ask for, and not in a guard: on MySQL each statement is a round trip.
      const page = await db.memberships.page(request.params.id, caller, after, limit + 1);
      if (!request.isSelf(caller) || page?.roleOfUser !== 'manager') await request.mustHold('groups:write');
      if (!page) throw notFound('group');
      return reply.page(page.members, limit, memberJson);
    },
  );

  app.put(
    '/:userId',
    {
      onRequest: managersOrWriters,
      schema: {
        operationId: 'putMember',
        summary: 'Let a user belong to a group, or change their role',
        description:
          'For its managers, and for who holds groups:write; they must hold each permission that the group carries.',
        params: MemberParams,
        body: Membership,
        response: responses({ 200: Member }),
        errors: [403, 404, 409],
      },
    },
    async (request) => {
      const { id: groupId, userId } = request.params;
      const group = await db.groups.find(groupId);
      if (!group) throw notFound('group');
      const grants = group.permissions.length > 0;
      if (grants) request.mustBeFresh();
      // Whoever joins gets what the group carries: that is granting it.
      await request.mustHold(...group.permissions);
      const user = await db.users.find(userId);
      if (!user) throw notFound('user');
      const { role } = request.body;
      const target = targetOf({ id: userId, username: user.username });
      const change = async (before: string | undefined) => {
        if (before === role) return true;
        const happening = {
          event: 'membership-set' as const,
          target,
          before: { group: group.name, role: before ?? null },
          after: { group: group.name, role },
        };
        const codes = grants ? [db.codes.removeOf(userId, request.actingId())] : [];
        const membership = db.memberships.change({ groupId, userId, role }, before, Date.now());
        try {
          return await request.record(happening, [membership, ...codes]);
        } catch (error) {
          // Another request was quicker: on top of what it did.
          if (error instanceof DuplicateError) return false;
          throw error;
        }
      };
      if (!(await editPersistently(() => db.memberships.role(groupId, userId), change))) {
        throw app.problem({
          status: 409,
          detail:
            'Others have changed this membership at the same time, or removed the user or the group. Try again.',
        });
      }
      return memberJson(await app.readBack('user', () => db.memberships.find(groupId, userId)));
    },
  );

  app.delete(
    '/:userId',
    {
      onRequest: managersOrWriters,
      schema: {
        operationId: 'removeMember',
        summary: 'Let a user not belong to a group any more',
        description:
          'For its managers, and for who holds groups:write; unless it is themselves, they must hold each permission that the group carries.',
        params: MemberParams,
        response: responses({ 204: Nothing }),
        errors: [403, 404, 409],
      },
    },
    async (request, reply) => {
      const { id, userId } = request.params;
      const group = await db.groups.find(id);
      if (!group) throw notFound('group');
      if (!request.isSelf(userId)) await request.mustHold(...group.permissions);
      const member = await db.memberships.find(id, userId);
      if (!member) throw notFound('member');
      const happening = {
        event: 'membership-removed' as const,
        target: targetOf({ id: userId, username: member.username }),
        before: { group: group.name, role: member.role },
      };
      const removal = [db.memberships.remove(id, userId)];
      // Only with such a group somebody can lose everything.
      const carryOut = group.permissions.includes('*') ? app.keepAdministrator : undefined;
      if (!(await request.record(happening, removal, carryOut))) throw notFound('member');
      return reply.code(204).send();
    },
  );
};

export default members;
