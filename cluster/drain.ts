/**
 * Ends an HTTP server's connections without cutting anybody short. Node closes idle connections when it stops listening,
 * but not those on which nothing was asked yet, and those that are answering stay open for the client's next request.
 */
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Notes the connections of the server from now on. @returns what ends each of them as soon as it may end. */
export function watchConnections(server: Server): () => void {
  const answering = new Map<Socket, ServerResponse | undefined>();
  let draining = false;

  server.on('connection', (socket) => {
    answering.set(socket, undefined);
    socket.once('close', () => answering.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    answering.set(socket, response);
    if (draining) announceEnd(response);
    response.once('close', () => {
      answering.set(socket, undefined);
      if (draining) socket.end();
    });
  });

  return () => {
    draining = true;
    for (const [socket, response] of answering) {
      if (response) announceEnd(response);
      else socket.destroy();
    }
  };
}

/** Tells the client that this connection ends with the answer. */
function announceEnd(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close');
}
