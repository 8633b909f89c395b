/**
 * Connections on which something arrives that is no request, or a request that does not arrive in time. The answers to the requests in
 * progress go out whole. Then the last one says what is wrong, and the connection closes.
 */
import type { Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import fp from 'fastify-plugin';
import { PROBLEMS } from '../../schemas/problems.ts';
import { serializeProblem } from './errors.ts';
import type { ProblemOptions } from './problems.ts';
import { METHODS } from './route-table.ts';

/** The connections of a server, each with its latest response: with pipelined requests, the last one to be sent. */
export type Connections = ReadonlyMap<Duplex, ServerResponse | undefined>;

declare module 'fastify' {
  interface FastifyInstance {
    connections: Connections;
    /** Whether the service has begun to stop. A process that a reload replaces is not told: others go on to serve. */
    stopping: boolean;
    /** Answers and closes a connection that sends no valid HTTP, or not in time. */
    answerBrokenRequest(error: Error & { code: string }, socket: Duplex): void;
  }
}

/** How long a client may keep a connection after its last answer, in milliseconds. */
const CLOSING_TIME = 2_000;

const KINDS: Record<string, 'headers-too-large' | 'timeout'> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'timeout',
};

/**
 * Tracks the server's connections. A response stays until the next request of its connection, because a listener for the end of each
 * costs noticeably more; measured in docs/performance.md.
 */
export function trackConnections(server: Server): Connections {
  const latest = new Map<Duplex, ServerResponse | undefined>();
  server.on('connection', (socket) => {
    latest.set(socket, undefined);
    socket.once('close', () => latest.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    latest.set(socket, response);
  });
  return latest;
}

/** Sends the text and closes. Destroying the connection at once could take the answer from the client. */
function end(socket: Duplex, text = ''): void {
  socket.end(text);
  const timer = setTimeout(() => socket.destroy(), CLOSING_TIME);
  socket.once('close', () => clearTimeout(timer));
}

export default fp<{ nextId: () => string }>(
  async (app, { nextId }) => {
    const connections = trackConnections(app.server);
    const closing = new WeakSet<Duplex>();

    function answerLast(socket: Duplex, answer: ProblemOptions): void {
      closing.add(socket);
      const { status, headers, body, text } = serializeProblem(answer, nextId(), app.securityHeaders);
      const response = connections.get(socket);
      if (response?.req.complete === false) {
        // It is the body of that request which is broken.
        if (response.headersSent) endAfter(response, socket);
        else response.writeHead(status, headers).end(body);
      } else if (response) endAfter(response, socket, text);
      else end(socket, text);
    }

    function endAfter(response: ServerResponse, socket: Duplex, text?: string): void {
      if (response.writableFinished) end(socket, text);
      else response.once('close', () => socket.writable && end(socket, text));
    }

    app.decorate('connections', connections);
    app.decorate('stopping', false);
    app.decorate('answerBrokenRequest', (error, socket) => {
      // Node reports each further piece of what is broken. It is read, or the client would not get its answer.
      if (closing.has(socket)) return;
      if (!socket.writable) {
        socket.destroy(error);
        return;
      }
      const kind = KINDS[error.code];
      const detail = `This is not HTTP as we can read it (${error.code}).`;
      answerLast(socket, kind ? { kind, detail: PROBLEMS[kind].meaning } : { kind: 'malformed', detail });
    });

    // Else Node closes the connection without an answer.
    app.server.on('connect', (_request, socket) => {
      socket.on('error', () => socket.destroy());
      const detail = 'This is no proxy: CONNECT is not possible.';
      answerLast(socket, {
        kind: 'method-not-allowed',
        detail,
        headers: { allow: [...METHODS, 'OPTIONS'].join(', ') },
      });
    });
    // Else Node answers without a body. The checks of requests refuse it (see http-checks.ts).
    app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  },
  { name: 'connections', dependencies: ['errors', 'security-headers'] },
);
