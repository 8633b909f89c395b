/** The audit trail, for those who look after the service: read, and nothing else. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { AuditEntry, AuditQuery, auditJson, idRange } from '../../../schemas/audit.ts';
import { Page, responses } from '../../../schemas/common.ts';

const READ = 'audit:read';

const audit: FastifyPluginAsyncTypebox = async (app) => {
  app.describeRoutes('Who did what to whom');
  app.addHook('onRequest', app.requireSignedIn);
  app.addHook('onRequest', app.requirePermission(READ));

  app.get(
    '/',
    {
      schema: {
        operationId: 'listAudit',
        summary: 'Read the audit trail',
        description: `The newest entries first. Asks for the permission ${READ}.`,
        querystring: AuditQuery,
        response: responses({ 200: Page(AuditEntry) }),
        errors: [403],
      },
    },
    async (request, reply) => {
      const { actor, target, event, from, to, after, limit } = request.query;
      const range = idRange(from, to);
      const before = after !== undefined && after < range.before ? after : range.before;
      const rows = await app.db.audit.page({ actor, target, event }, range.from, before, limit + 1);
      return reply.page(rows, limit, auditJson);
    },
  );
};

export default audit;
