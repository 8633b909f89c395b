/**
 * Closes an HTTP server's connections after their last answers. Node's server.close() closes idle connections, but not
 * those without a first request, and lets busy ones stay open for further requests.
 */
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** In milliseconds: after this, a stop closes the connections that still have unanswered requests. */
export const DRAIN_DEADLINE = 10_000;

/** Tracks the server's connections. @returns a function that closes each once it has no unanswered request. */
export function watchConnections(server: Server): () => void {
  // The latest response of each connection. With pipelined requests, it is the last to be sent. It stays until the next
  // request, because a 'close' listener for each response costs noticeably more; measured in docs/performance.md.
  const latest = new Map<Socket, ServerResponse | undefined>();
  let draining = false;

  server.on('connection', (socket) => {
    latest.set(socket, undefined);
    socket.once('close', () => latest.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    latest.set(socket, response);
    if (draining) closeAfter(socket, response);
  });

  /** Closes the connection after the response, unless another request has arrived by then. */
  function closeAfter(socket: Socket, response: ServerResponse): void {
    response.once('close', () => {
      if (latest.get(socket) === response) socket.end();
    });
  }

  return () => {
    draining = true;
    for (const [socket, response] of latest) {
      if (!response || response.writableFinished) socket.destroy();
      else if (!response.headersSent) response.setHeader('connection', 'close');
      else closeAfter(socket, response);
    }
  };
}
