/**
 * Ends an HTTP server's connections without cutting anybody short. Node closes idle connections when it stops listening,
 * but not those on which nothing was asked yet, and those that are answering stay open for the client's next request.
 */
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Notes the connections of the server from now on. @returns what ends each of them as soon as it may end. */
export function watchConnections(server: Server): () => void {
  /** The answers that each open connection still waits for: several, if the client did not wait in between. */
  const owed = new Map<Socket, Set<ServerResponse>>();
  let draining = false;

  server.on('connection', (socket) => {
    owed.set(socket, new Set());
    socket.once('close', () => owed.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    const responses = owed.get(socket);
    responses?.add(response);
    response.once('close', () => {
      responses?.delete(response);
      if (draining && responses?.size === 0) socket.end();
    });
  });

  return () => {
    draining = true;
    for (const [socket, responses] of owed) {
      const newest = [...responses].at(-1);
      if (!newest) socket.destroy();
      else if (!newest.headersSent) newest.setHeader('connection', 'close');
    }
  };
}
