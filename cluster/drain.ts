/**
 * Ends the connections of an HTTP server without cutting off a request: for a stop, and for a worker that a reload replaces. Node's own
 * server.close() resets what waits to be accepted, and closes idle connections while a request may be on its way.
 */
import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type { Connections } from '../plugins/http/connections.ts';

/** All in milliseconds. After this, connections that still have unanswered requests are closed. */
export const DRAIN_DEADLINE = 10_000;
/** How long new connections are accepted if they do not cease. */
const ACCEPT_DEADLINE = 1_000;
/** How long a connection without a request stays open. A client that uses it meanwhile is told that it closes. */
const IDLE_GRACE = 1_000;

/**
 * Accepts what waits in the kernel's queue, stops listening, and answers all requests on the connections, each with `Connection: close`.
 * @returns when no connection is left.
 */
export async function drain(server: Server, connections: Connections): Promise<void> {
  const deadline = setTimeout(() => server.closeAllConnections(), DRAIN_DEADLINE);
  announceClose(server, connections);
  await acceptWaiting(server);
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  NetServer.prototype.close.call(server, () => resolve());
  const grace = setTimeout(() => closeIdle(connections), IDLE_GRACE);
  await closed;
  clearTimeout(grace);
  clearTimeout(deadline);
}

/** Tells clients by the last answer of each connection that it closes. The answers to pipelined requests before it don't say so. */
function announceClose(server: Server, connections: Connections): void {
  for (const response of connections.values())
    if (response && !response.headersSent) response.setHeader('connection', 'close');
  // Before the listener that makes this response the latest one of its connection.
  server.prependListener('request', ({ socket }, response) => {
    const before = connections.get(socket);
    if (before && !before.headersSent) before.removeHeader('connection');
    response.setHeader('connection', 'close');
  });
}

/** Waits for a turn of the event loop without a new connection, as long as that may take. */
async function acceptWaiting(server: Server): Promise<void> {
  const end = performance.now() + ACCEPT_DEADLINE;
  let isQuiet = false;
  const accepted = () => {
    isQuiet = false;
  };
  server.on('connection', accepted);
  // The rest of the present turn accepts nothing.
  await turn();
  while (!isQuiet && performance.now() < end) {
    isQuiet = true;
    await turn();
  }
  server.off('connection', accepted);
}

/** Closes the connections without an unanswered request, and the others after the answer that did not say that they close. */
function closeIdle(connections: Connections): void {
  const closeUnlessUsed = (socket: Duplex, response: unknown) => {
    if (connections.get(socket) === response) socket.end();
  };
  for (const [socket, response] of connections) {
    if (!response || response.writableFinished) socket.destroy();
    else if (response.headersSent) response.once('close', () => closeUnlessUsed(socket, response));
  }
}
