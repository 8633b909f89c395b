/** A stopping server finishes the responses in progress and closes idle connections. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { type Test, test } from 'tap';
import { watchConnections } from '../../cluster/drain.ts';
import { trackConnections } from '../../plugins/http/connections.ts';

async function listen(t: Test) {
  const waiting: ServerResponse[] = [];
  const server = createServer((_request, response) => waiting.push(response)).listen(0, '127.0.0.1');
  const end = watchConnections(server, trackConnections(server));
  await once(server, 'listening');
  t.teardown(() => server.closeAllConnections());
  const address: AddressInfo | string | null = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return { server, end, waiting, open: () => connect(port, '127.0.0.1') };
}

async function sendRequests(
  socket: Socket,
  server: ReturnType<typeof createServer>,
  count: number,
): Promise<void> {
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(count));
  for (let sent = 0; sent < count; sent++) await once(server, 'request');
}

test('A stopping server answers pending requests and closes its connections', async (t) => {
  t.test('A stopping server answers all pipelined requests and then closes the connection', async (t) => {
    const { server, end, waiting, open } = await listen(t);
    const socket = open();
    await Promise.all([sendRequests(socket, server, 1), once(server, 'connection')]);
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(server, 'request');
    const answers = text(socket);
    server.close();
    end();
    for (const response of waiting) response.end('answer');
    await once(server, 'close');
    t.equal((await answers).match(/200 OK/g)?.length, waiting.length);
  });

  t.test('A stopping server closes connections without a request at once', async (t) => {
    const { server, end, open } = await listen(t);
    const socket = open();
    await once(server, 'connection');
    server.close();
    end();
    await Promise.all([once(socket, 'close'), once(server, 'close')]);
    t.pass('the connection is closed at once');
  });

  t.test('A stopping server closes idle keep-alive connections at once', async (t) => {
    const { server, end, waiting, open } = await listen(t);
    const socket = open();
    await Promise.all([sendRequests(socket, server, 1), once(server, 'connection')]);
    waiting[0]?.end('answer');
    await once(socket, 'data');
    server.close();
    end();
    await Promise.all([once(socket, 'close'), once(server, 'close')]);
    t.pass('the connection is closed at once');
  });

  t.test('A stopping server answers a request that arrives during an earlier response', async (t) => {
    const { server, end, waiting, open } = await listen(t);
    const socket = open();
    await Promise.all([sendRequests(socket, server, 1), once(server, 'connection')]);
    const [first] = waiting;
    first?.write('half ');
    server.close();
    end();
    await sendRequests(socket, server, 1);
    const answers = text(socket);
    for (const response of waiting) response.end('answer');
    await once(server, 'close');
    t.equal((await answers).match(/200 OK/g)?.length, 2);
  });

  t.test('A stopping server does not wait for clients that disconnected during a request', async (t) => {
    const { server, end, waiting, open } = await listen(t);
    const socket = open();
    await sendRequests(socket, server, 1);
    socket.destroy();
    const [response] = waiting;
    if (response) await once(response, 'close');
    server.close();
    end();
    await once(server, 'close');
    t.pass('the server has stopped');
  });
});
