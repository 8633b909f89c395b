/**
 * The audit trail: a change and the entry that tells of it are one list of writes, so that neither is ever there
 * without the other. What is told there is told in the log, too, once it has happened.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Write } from '../db/engine.ts';
import type { AuditEntry } from '../db/queries/audit.ts';

/** What happened; who did it, when and from where is known from the request. */
type Happening = Pick<AuditEntry, 'event'> &
  Partial<Pick<AuditEntry, 'actor' | 'via' | 'target' | 'before' | 'after'>>;

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * Carries out writes, and adds to the audit trail what they amount to.
     * @param carryOut how: all or nothing, unless a stricter way is given. Gives whether they took effect.
     * @returns whether they took effect; if not, nothing was told either.
     */
    record(
      happening: Happening,
      writes: Write[],
      carryOut?: (writes: Write[]) => Promise<boolean>,
    ): Promise<boolean>;
  }
}

function entryOf(request: FastifyRequest, happening: Happening): AuditEntry {
  return {
    actor: request.user ?? null,
    via: request.recognition?.via ?? 'nobody',
    target: null,
    before: null,
    after: null,
    ...happening,
    id: randomUUIDv7(),
    at: Date.now(),
    address: request.ip,
    userAgent: request.headers['user-agent'] ?? '',
    requestId: request.id,
  };
}

export default fp(
  async (app) => {
    const allOrNothing = async (writes: Write[]) => (await app.db.atomically(writes)) === undefined;

    app.decorateRequest('record', async function record(this: FastifyRequest, happening, writes, carryOut) {
      const entry = entryOf(this, happening);
      const done = await (carryOut ?? allOrNothing)([...writes, app.db.audit.add(entry)]);
      const { event, actor, via, target, address, userAgent } = entry;
      if (done) this.log.info({ event, actor: actor?.id, via, target, address, userAgent }, event);
      return done;
    });
  },
  { name: 'audit', dependencies: ['auth', 'database'] },
);
