/**
 * For proxies that ask before they let a request pass to another service (nginx's auth_request, Traefik's ForwardAuth): is
 * this caller signed in, and may they? The headers of the answer say who it is.
 */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { isSelf } from '../../../accounts/actor.ts';
import { requirePermissions } from '../../../accounts/authorization.ts';
import { Nothing, responses } from '../../../schemas/common.ts';
import { GroupName, Permission } from '../../../schemas/groups.ts';

const CheckQuery = Type.Object({
  /** The name of a group that the caller must belong to. */
  group: Type.Optional(GroupName),
  /** A permission that the caller must hold. */
  permission: Type.Optional(Permission),
});

const check: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.requireSignedIn);

  app.get(
    '/check',
    {
      schema: {
        operationId: 'check',
        summary: 'Is the caller signed in, and may they',
        description: 'X-User-Id and X-User-Name (percent-encoded, RFC 3986, section 2.1) say who it is.',
        querystring: CheckQuery,
        response: responses({ 204: Nothing }),
        errors: [403],
      },
    },
    async (request, reply) => {
      const { group, permission } = request.query;
      const user = request.caller();
      const actor = request.actor();
      if (permission !== undefined) requirePermissions(actor, permission);
      if (
        group !== undefined &&
        !(isSelf(actor, user.id) && (await app.db.memberships.belongs(user.id, group)))
      ) {
        throw app.problem({
          kind: 'not-a-member',
          detail: `This asks for a member of the group ${group} who has signed in.`,
        });
      }
      return reply
        .code(204)
        .headers({ 'x-user-id': user.id, 'x-user-name': encodeURIComponent(user.username) })
        .send();
    },
  );
};

export default check;
