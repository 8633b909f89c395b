/**
 * Closes an HTTP server's connections after their last answers. Node's server.close() closes idle connections, but not
 * those without a first request, and lets busy ones stay open for further requests.
 */
import type { Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Connections } from '../plugins/http/connections.ts';

/** In milliseconds: after this, a stop closes the connections that still have unanswered requests. */
export const DRAIN_DEADLINE = 10_000;

/** @returns a function that closes each connection of the server once it has no unanswered request. */
export function watchConnections(server: Server, connections: Connections): () => void {
  /** Closes the connection after the response, unless another request has arrived by then. */
  function closeAfter(socket: Duplex, response: ServerResponse): void {
    response.once('close', () => {
      if (connections.get(socket) === response) socket.end();
    });
  }

  return () => {
    server.on('request', ({ socket }, response) => closeAfter(socket, response));
    for (const [socket, response] of connections) {
      if (!response || response.writableFinished) socket.destroy();
      else if (!response.headersSent) response.setHeader('connection', 'close');
      else closeAfter(socket, response);
    }
  };
}
