/**
 * Refuses what Node's parser lets pass and another program on the way may read differently, so that no request is smuggled past a
 * proxy (RFC 9112, sections 3.2, 6.1 and 11.2). The connection closes after the answer.
 */
import type { IncomingMessage } from 'node:http';
import type { onRequestHookHandler } from 'fastify';
import fp from 'fastify-plugin';
import type { ProblemKind } from '../../schemas/problems.ts';
import { ProblemError } from './problems.ts';

/** A name or an IP address, and perhaps a port (RFC 9110, section 7.2). */
const HOST = /^(?:[\w.~-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;

const CLOSE = { connection: 'close' };

const refusal = (kind: ProblemKind, detail: string) => new ProblemError({ kind, detail, headers: CLOSE });

/** @returns what is wrong with a request, undefined if nothing is. Every request is checked: it takes 20 ns. */
function findFault({ httpVersionMajor, httpVersionMinor, headers }: IncomingMessage): Error | undefined {
  if (httpVersionMajor !== 1)
    return refusal('malformed', 'The version of the request must be HTTP/1.1 or HTTP/1.0.');
  const { host, expect, 'transfer-encoding': coding } = headers;
  // HTTP/1.0 needs none. Several lines are joined with commas (see HTTP_OPTIONS in app.ts), and no Host has one.
  if (host === undefined ? httpVersionMinor > 0 : !HOST.test(host))
    return refusal('malformed', 'The request must have one Host header, with a name and perhaps a port.');
  if (coding !== undefined && (httpVersionMinor === 0 || coding.toLowerCase() !== 'chunked'))
    return refusal('malformed', 'Transfer-Encoding must be chunked, and nothing else, in HTTP/1.1.');
  if (expect !== undefined && expect.toLowerCase() !== '100-continue')
    return refusal('expectation-failed', 'Expect can be 100-continue, and nothing else.');
  return undefined;
}

export default fp(
  async (app) => {
    // Node leaves out what comes behind the thousandth header, which could be another Host. Their size is bounded.
    app.server.maxHeadersCount = 0;
    const hook: onRequestHookHandler = (request, reply, done) => {
      // Node drops what came in one piece with such a request, so a proxy would take later answers for those of others.
      if (request.raw.headers.upgrade !== undefined) reply.header('connection', 'close');
      done(findFault(request.raw));
    };
    app.addHook('onRequest', hook);
  },
  { name: 'http-checks', dependencies: ['request-id', 'errors'] },
);
