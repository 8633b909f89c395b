/** Finding users: the directory that every signed-in user may read, but for the private fields of others. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply } from 'fastify';
import { type Static, Type } from 'typebox';
import type { Actor } from '../../../accounts/actor.ts';
import { seesPrivateFields, visibilityFor } from '../../../accounts/visibility.ts';
import type { UserRow } from '../../../db/queries/users.ts';
import { Id, Page, PageQuery, responses, SingleLineText, toId } from '../../../schemas/common.ts';
import { User, userJson } from '../../../schemas/users.ts';

const UsersQuery = Type.Object({
  limit: PageQuery.properties.limit,
  after: Type.Optional(Type.String({ pattern: '^[\\w-]{1,1500}$', rule: 'the next of the page before' })),
  /** The beginning of a username or a name, or of an e-mail address for those who see these. */
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

/** @returns what shows a row to the actor. */
function showTo(actor: Actor) {
  const visibility = visibilityFor(actor);
  return (row: UserRow) => userJson(row, visibility(row.id));
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
    actor: Actor,
    reply: FastifyReply,
  ) {
    const from = after === undefined ? undefined : decode(after);
    if (after !== undefined && !from) throw notOurs();
    const filters = { byEmail: seesPrivateFields(actor), active, group };
    const { rows, next } = await db.userSearch.beginningWith(q, filters, from, limit);
    return reply.pageBefore(rows.map(showTo(actor)), next && encode(next));
  }

  app.get(
    '/',
    {
      schema: {
        operationId: 'listUsers',
        summary: 'List users',
        description:
          'With q, those whose username or name begins with it, or whose e-mail address does, for callers who see it (see getUser). With q, or with group and active, a page may be short although there is a next one.',
        querystring: UsersQuery,
        response: responses({ 200: Page(User) }),
      },
    },
    async (request, reply) => {
      const { limit, q, group, active } = request.query;
      const actor = request.actor();
      if (q !== undefined) return search(q, request.query, actor, reply);
      const after = request.query.after === undefined ? '' : toId(request.query.after);
      if (after === undefined) throw notOurs();
      if (group !== undefined) {
        const { rows, next } = await db.userSearch.inGroup(group, active, after, limit);
        return reply.pageBefore(rows.map(showTo(actor)), next);
      }
      const rows =
        active === undefined
          ? await db.users.page(after, limit + 1)
          : await db.userSearch.active(active, after, limit + 1);
      return reply.page(rows, limit, showTo(actor));
    },
  );
};

export default list;
