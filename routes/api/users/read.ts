/** Reading one user and their groups, as every signed-in user may. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { visibilityFor } from '../../../accounts/visibility.ts';
import { IdParams, Page, PageQuery, responses } from '../../../schemas/common.ts';
import { UserGroup, userGroupJson } from '../../../schemas/groups.ts';
import { UserDetail, userDetailJson } from '../../../schemas/users.ts';

const reading = {
  operationId: 'getUser',
  summary: 'Read one user',
  description:
    'email and lastSignInAt are for the user and for holders of users:read-private or users:write; pendingEmail is for the user and for holders of users:write; passwordSetBy, who set the password last, for holders of users:write or groups:write.',
  params: IdParams,
  response: responses({ 200: UserDetail }),
  errors: [404],
};

const listingGroups = {
  operationId: 'listGroupsOfUser',
  summary: 'List the groups that a user belongs to',
  params: IdParams,
  querystring: PageQuery,
  response: responses({ 200: Page(UserGroup) }),
  errors: [404],
};

const read: FastifyPluginAsyncTypebox = async (app) => {
  const { db, notFound } = app;
  app.get('/:id', { schema: reading }, async (request, reply) => {
    const row = await db.users.find(request.params.id);
    if (!row) throw notFound('user');
    reply.version(row);
    return userDetailJson(row, visibilityFor(request.actor())(row.id));
  });

  app.get('/:id/groups', { schema: listingGroups }, async (request, reply) => {
    const { after = '', limit } = request.query;
    const rows = await db.memberships.pageOfUser(request.params.id, after, limit + 1);
    if (!rows) throw notFound('user');
    return reply.page(rows, limit, userGroupJson);
  });
};

export default read;
