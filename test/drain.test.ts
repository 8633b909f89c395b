/** Stopping must not cut answers short, and watching for it must not keep what is over. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { type Test, test } from 'tap';
import { watchConnections } from '../cluster/drain.ts';

async function listen(t: Test) {
  const waiting: ServerResponse[] = [];
  const server = createServer((_request, response) => waiting.push(response)).listen(0, '127.0.0.1');
  const end = watchConnections(server);
  await once(server, 'listening');
  t.teardown(() => server.closeAllConnections());
  const address: AddressInfo | string | null = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return { server, end, waiting, open: () => connect(port, '127.0.0.1') };
}

async function ask(socket: Socket, server: ReturnType<typeof createServer>, count: number): Promise<void> {
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(count));
  for (let asked = 0; asked < count; asked++) await once(server, 'request');
}

test('a server that is told to stop', async (t) => {
  t.test('gives all the answers that it owes on a connection, and then closes it', async (t) => {
    const { server, end, waiting, open } = await listen(t);
    const socket = open();
    await Promise.all([ask(socket, server, 1), once(server, 'connection')]);
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(server, 'request');
    const answers = text(socket);
    server.close();
    end();
    for (const response of waiting) response.end('answer');
    await once(server, 'close');
    t.equal((await answers).match(/200 OK/g)?.length, waiting.length);
  });

  t.test('closes connections on which nothing was asked', async (t) => {
    const { server, end, open } = await listen(t);
    const socket = open();
    await once(server, 'connection');
    server.close();
    end();
    await Promise.all([once(socket, 'close'), once(server, 'close')]);
    t.pass('closed at once');
  });

  t.test('closes a connection that has its answer, and waits for the next question', async (t) => {
    const { server, end, waiting, open } = await listen(t);
    const socket = open();
    await Promise.all([ask(socket, server, 1), once(server, 'connection')]);
    waiting[0]?.end('answer');
    await once(socket, 'data');
    server.close();
    end();
    await Promise.all([once(socket, 'close'), once(server, 'close')]);
    t.pass('closed at once');
  });

  t.test('answers what was asked while an earlier answer was on its way', async (t) => {
    const { server, end, waiting, open } = await listen(t);
    const socket = open();
    await Promise.all([ask(socket, server, 1), once(server, 'connection')]);
    const [first] = waiting;
    first?.write('half ');
    server.close();
    end();
    await ask(socket, server, 1);
    const answers = text(socket);
    for (const response of waiting) response.end('answer');
    await once(server, 'close');
    t.equal((await answers).match(/200 OK/g)?.length, 2);
  });

  t.test('is not kept by clients that went away in the middle of a request', async (t) => {
    const { server, end, waiting, open } = await listen(t);
    const socket = open();
    await ask(socket, server, 1);
    socket.destroy();
    const [response] = waiting;
    if (response) await once(response, 'close');
    server.close();
    end();
    await once(server, 'close');
    t.pass('stopped');
  });
});
