/** Who am I: the caller, how they were recognised, and what they may do. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { isFresh } from '../../../accounts/authorization.ts';
import { UnauthenticatedError } from '../../../accounts/errors.ts';
import { visibilityFor } from '../../../accounts/visibility.ts';
import { responses } from '../../../schemas/common.ts';
import { Session, sessionJson } from '../../../schemas/sessions.ts';
import { User, userJson } from '../../../schemas/users.ts';

const Whoami = Type.Object({
  user: User,
  /** How the caller was recognised: session, or the name of a request loader. */
  via: Type.String(),
  /** Whether the password was given so recently that sensitive changes need no other proof. */
  fresh: Type.Boolean(),
  permissions: Type.Array(Type.String()),
  session: Type.Optional(Session),
});

const whoami: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.requireSignedIn);

  app.get(
    '/',
    {
      schema: {
        operationId: 'whoami',
        summary: 'Who am I, and what may I do',
        response: responses({ 200: Whoami }),
      },
    },
    async (request) => {
      const row = await app.db.users.find(request.caller().id);
      if (!row) throw new UnauthenticatedError();
      const actor = request.actor();
      const session = request.authentication?.session;
      return {
        user: userJson(row, visibilityFor(actor)(row.id)),
        via: actor.method,
        fresh: session ? isFresh(actor) : false,
        permissions: [...actor.permissions],
        ...(session ? { session: sessionJson(session) } : {}),
      };
    },
  );
};

export default whoami;
