/**
 * Each request has an id, which goes out with every answer as X-Request-Id and stands in the log and in the audit trail. A trusted
 * proxy may give it, so that one id follows a request through all services.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import fp from 'fastify-plugin';
import { ORIGIN_LENGTHS } from '../../db/schema/column-types.ts';

/** @returns whether the address is that of a proxy that is believed. */
export type TrustProxy = (address: string, hop: number) => boolean;

/** What can stand in a log, a header and the audit trail as it is. Two X-Request-Id lines are one with a comma, which is none. */
const WELL_FORMED = new RegExp(`^[A-Za-z0-9._~:+/=-]{1,${ORIGIN_LENGTHS.requestId}}$`);

/** @returns a function that makes ids. Unlike Fastify's own, they are unique across workers and restarts. */
export function makeRequestIds(): () => string {
  const prefix = randomBytes(6).toString('base64url');
  let count = 0;
  return () => `${prefix}-${(count++).toString(36)}`;
}

/** @returns a function that takes the id of a request from the proxy, if that is trusted and the id is well formed, or makes one. */
export function requestIds(
  trusts: TrustProxy | false,
  next: () => string,
): (request: IncomingMessage) => string {
  if (!trusts) return next;
  return ({ headers, socket }) => {
    const given = headers['x-request-id'];
    if (typeof given !== 'string' || !WELL_FORMED.test(given)) return next();
    return trusts(socket.remoteAddress ?? '', 0) ? given : next();
  };
}

export default fp(
  async (app) => {
    app.addHook('onRequest', (request, reply, done) => {
      reply.header('x-request-id', request.id);
      done();
    });
  },
  { name: 'request-id' },
);
