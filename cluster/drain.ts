/**
 * Ends an HTTP server's connections without cutting anybody short. Node closes idle connections when it stops listening,
 * but not those on which nothing was asked yet, and those that are answering stay open for the client's next request.
 */
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Notes the connections of the server from now on. @returns what ends each of them as soon as it may end. */
export function watchConnections(server: Server): () => void {
  /**
   * The newest answer of each open connection, which is the last one to leave it, even if the client did not wait in
   * between. It is kept until the next one, 3 kB an idle connection: to be told of the end of each costs a tenth of a request.
   */
  const newest = new Map<Socket, ServerResponse | undefined>();
  let draining = false;

  server.on('connection', (socket) => {
    newest.set(socket, undefined);
    socket.once('close', () => newest.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    newest.set(socket, response);
    if (draining) endAfter(socket, response);
  });

  /** Ends the connection with that answer, unless the client has asked for more before it has it. */
  function endAfter(socket: Socket, response: ServerResponse): void {
    response.once('close', () => {
      if (newest.get(socket) === response) socket.end();
    });
  }

  return () => {
    draining = true;
    for (const [socket, response] of newest) {
      if (!response || response.writableFinished) socket.destroy();
      else if (!response.headersSent) response.setHeader('connection', 'close');
      else endAfter(socket, response);
    }
  };
}
