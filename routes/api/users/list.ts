/** Finding users: the directory that every signed-in user may read. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply } from 'fastify';
import { type Static, Type } from 'typebox';
import { Id, Page, PageQuery, responses, SingleLineText, toId } from '../../../schemas/common.ts';
import { User, userJson } from '../../../schemas/users.ts';

const UsersQuery = Type.Object({
  limit: PageQuery.properties.limit,
  after: Type.Optional(Type.String({ pattern: '^[\\w-]{1,1500}$', rule: 'the next of the page before' })),
  /** The beginning of a username, an e-mail address or a name. */
  q: Type.Optional(SingleLineText({ minLength: 1, maxLength: 64 })),
  /** The id of a group that they belong to. */
  group: Type.Optional(Id),
  active: Type.Optional(Type.Boolean()),
});

type Cursor = { key: string; id: string };

const ID_LENGTH = 36;

/** @returns the cursor as text, for `after`. */
function encode({ key, id }: Cursor): string {
  return Buffer.from(id + key).toString('base64url');
}

/** @returns the cursor, or undefined when the text is none. */
function decode(text: string): Cursor | undefined {
  const bytes = Buffer.from(text, 'base64url').toString();
  const [id, key] = [toId(bytes.slice(0, ID_LENGTH)), bytes.slice(ID_LENGTH)];
  return id && key !== '' && encode({ key, id }) === text ? { key, id } : undefined;
}

const list: FastifyPluginAsyncTypebox = async (app) => {
  const { db } = app;

  const notOurs = () =>
    app.invalid('query', {
      pointer: '/after',
      code: 'format',
      detail: 'must be the next of the page before',
    });

  async function search(
    q: string,
    { after, limit, active, group }: Static<typeof UsersQuery>,
    reply: FastifyReply,
  ) {
    const from = after === undefined ? undefined : decode(after);
    if (after !== undefined && !from) throw notOurs();
    const { rows, next } = await db.userSearch.beginningWith(q, { active, group }, from, limit);
    return reply.pageBefore(rows.map(userJson), next && encode(next));
  }

  app.get(
    '/',
    {
      schema: {
        operationId: 'listUsers',
        summary: 'List users',
        description:
          'With q, those whose username, e-mail address or name begins with it, in that order. With q, or with group and active, a page may be short although there is a next one.',
        querystring: UsersQuery,
        response: responses({ 200: Page(User) }),
      },
    },
    async (request, reply) => {
      const { limit, q, group, active } = request.query;
      if (q !== undefined) return search(q, request.query, reply);
      const after = request.query.after === undefined ? '' : toId(request.query.after);
      if (after === undefined) throw notOurs();
      if (group !== undefined) {
        const { rows, next } = await db.userSearch.inGroup(group, active, after, limit);
        return reply.pageBefore(rows.map(userJson), next);
      }
      const rows =
        active === undefined
          ? await db.users.page(after, limit + 1)
          : await db.userSearch.active(active, after, limit + 1);
      return reply.page(rows, limit, userJson);
    },
  );
};

export default list;
