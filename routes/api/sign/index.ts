/** Signing in and out, who one is, and what people do about their own account. One file for each. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { SessionLimits } from '../../../accounts/sessions.ts';
import account from './account.ts';
import check from './check.ts';
import session from './session.ts';
import whoami from './whoami.ts';

const sign: FastifyPluginAsyncTypebox<{ signUp: boolean; limits: SessionLimits }> = async (
  app,
  { signUp, limits },
) => {
  app.describeRoutes('Signing in and out, and who one is');
  app.register(session, { limits });
  app.register(whoami);
  app.register(account, { signUp });
  app.register(check);
};

export default sign;
