/** Users: the directory that every signed-in user may read, and its upkeep. */
import { randomUUIDv7 } from 'node:crypto';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { Body, IdParams, Nothing, Nullable, Page, PageQuery, responses } from '../../../schemas/common.ts';
import { DisplayName, Email, NewPassword, User, Username, userJson } from '../../../schemas/users.ts';

const WRITE = 'users:write';

const NewUser = Body({
  username: Username,
  name: Type.Optional(DisplayName),
  email: Type.Optional(Nullable(Email)),
  password: NewPassword,
  active: Type.Optional(Type.Boolean()),
});

const Changes = Body(
  {
    username: Type.Optional(Username),
    name: Type.Optional(DisplayName),
    email: Type.Optional(Nullable(Email)),
    active: Type.Optional(Type.Boolean()),
  },
  { minProperties: 1 },
);

/** What users may change of themselves without a permission. */
const OWN_FIELDS = ['name', 'email'];

const users: FastifyPluginAsyncTypebox = async (app) => {
  const { db, notFound, passwords, problem } = app;

  async function refuseForeignFields(
    request: FastifyRequest,
    changes: Static<typeof Changes>,
  ): Promise<void> {
    const foreign = Object.keys(changes).filter((field) => !OWN_FIELDS.includes(field));
    if (foreign.length === 0 || (await request.holds(WRITE))) return;
    throw problem({
      status: 403,
      detail: `Of yourself you may change ${OWN_FIELDS.join(' and ')}; the rest asks for the permission ${WRITE}.`,
      errors: foreign.map((field) => ({ in: 'body', pointer: `/${field}`, detail: `asks for ${WRITE}` })),
    });
  }

  /**
   * Who signs in, and whether they may, is not for those to decide who hold less than they: they would give away, or get
   * hold of, what they don't hold.
   */
  async function refuseToRule(request: FastifyRequest, id: string): Promise<void> {
    if (id !== request.caller().id) await request.mustHold(...(await db.permissions.heldBy(id)));
  }

  app.addHook('onRequest', app.requireSignedIn);

  const readers: FastifyPluginAsyncTypebox = async (scope) => {
    scope.get(
      '/',
      { schema: { querystring: PageQuery, response: responses({ 200: Page(User) }) } },
      async (request, reply) => {
        const { after = '', limit } = request.query;
        return reply.page(await db.users.page(after, limit + 1), limit, userJson);
      },
    );

    scope.get(
      '/:id',
      { schema: { params: IdParams, response: responses({ 200: User }) } },
      async (request, reply) => {
        const row = await db.users.find(request.params.id);
        if (!row) throw notFound('user');
        reply.version(row);
        return userJson(row);
      },
    );
  };

  const oneselfOrWriters: FastifyPluginAsyncTypebox = async (scope) => {
    scope.patch(
      '/:id',
      {
        schema: { params: IdParams, body: Changes, response: responses({ 200: User }) },
        onRequest: async (request) => {
          if (request.params.id !== request.caller().id) await request.mustHold(WRITE);
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        await refuseForeignFields(request, request.body);
        if (Object.keys(request.body).some((field) => field !== 'name')) await refuseToRule(request, id);
        await request.edit(
          'user',
          () => db.users.find(id),
          async (row) => {
            const user = { ...row, ...request.body };
            const change = db.users.change(user, Date.now());
            if (row.active && !user.active) return app.keepAdministrator([change, db.sessions.endAllOf(id)]);
            return (await db.atomically([change])) === undefined;
          },
        );
        const row = await app.readBack('user', () => db.users.find(id));
        reply.version(row);
        return userJson(row);
      },
    );
  };

  const writers: FastifyPluginAsyncTypebox = async (scope) => {
    scope.addHook('onRequest', app.requirePermission(WRITE));

    scope.post(
      '/',
      { schema: { body: NewUser, response: responses({ 201: User }) } },
      async (request, reply) => {
        const { password, ...fields } = request.body;
        const id = randomUUIDv7();
        const user = {
          id,
          name: '',
          email: null,
          active: true,
          ...fields,
          passwordHash: await passwords.hash(password),
        };
        await db.atomically([db.users.add(user, Date.now())]);
        const row = await app.readBack('user', () => db.users.find(id));
        reply.code(201).header('location', `/api/users/${id}`).version(row);
        return userJson(row);
      },
    );

    scope.delete(
      '/:id',
      { schema: { params: IdParams, response: responses({ 204: Nothing }) } },
      async (request, reply) => {
        const { id } = request.params;
        await refuseToRule(request, id);
        await request.edit(
          'user',
          () => db.users.find(id),
          (row) => app.keepAdministrator([db.users.remove(row)]),
        );
        return reply.code(204).send();
      },
    );
  };

  app.register(readers);
  app.register(oneselfOrWriters);
  app.register(writers);
};

export default users;
