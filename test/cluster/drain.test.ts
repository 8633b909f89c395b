/** A stopping server accepts what waits, answers every request, and then closes all connections. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { Worker } from 'node:worker_threads';
import { type Test, test } from 'tap';
import { drain } from '../../cluster/drain.ts';
import { trackConnections } from '../../plugins/http/connections.ts';
import '../support/threads.ts';

const REQUEST = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

/** A thread that opens a hundred connections, each with a request, counts those that are there, and posts what they receive. */
const CLIENTS = `
const { connect } = require('node:net');
const { text } = require('node:stream/consumers');
const { parentPort, workerData: { connected, port, REQUEST } } = require('node:worker_threads');
const answers = Array.from({ length: 100 }, () => {
  const socket = connect(port, '127.0.0.1', () => {
    socket.write(REQUEST);
    Atomics.add(connected, 0, 1);
    Atomics.notify(connected, 0);
  });
  return text(socket).catch(String);
});
Promise.all(answers).then((texts) => parentPort.postMessage(texts));
`;

async function listen(t: Test) {
  const waiting: ServerResponse[] = [];
  const server = createServer((_request, response) => waiting.push(response)).listen(0, '127.0.0.1');
  const connections = trackConnections(server);
  await once(server, 'listening');
  t.teardown(() => server.closeAllConnections());
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const open = () => connect(port, '127.0.0.1');
  return { server, port, waiting, open, stop: () => drain(server, connections) };
}

async function sendRequests(
  socket: Socket,
  server: ReturnType<typeof createServer>,
  count: number,
): Promise<void> {
  socket.write(REQUEST.repeat(count));
  for (let sent = 0; sent < count; sent++) await once(server, 'request');
}

/** @returns how many answers there are, and how many of them say that the connection closes. */
function count(answers: string) {
  return {
    answers: answers.match(/200 OK/g)?.length ?? 0,
    closing: answers.match(/^Connection: close\r$/gim)?.length ?? 0,
  };
}

test('A stopping server answers pending requests and closes its connections', async (t) => {
  t.test('A stopping server answers what waited to be accepted', async (t) => {
    const { server, port, stop } = await listen(t);
    server.on('request', (_request, response) => response.end('answer'));
    const connected = new Int32Array(new SharedArrayBuffer(4));
    const clients = new Worker(CLIENTS, { eval: true, workerData: { connected, port, REQUEST } });
    const answers = once(clients, 'message');
    // This thread accepts nothing meanwhile.
    while (connected[0] !== 100) Atomics.wait(connected, 0, connected[0] ?? 0);
    await stop();
    const [texts]: string[][] = await answers;
    t.same(texts?.map(count), Array(100).fill({ answers: 1, closing: 1 }));
  });

  t.test('A stopping server closes although new connections do not cease', async (t) => {
    const { server, waiting, open, stop } = await listen(t);
    server.on('connection', (accepted) => {
      accepted.destroy();
      open().on('error', () => {});
    });
    open();
    await once(server, 'connection');
    await stop();
    t.same(waiting, []);
    t.notOk(server.listening);
  });

  t.test('A stopping server answers all pipelined requests and then closes the connection', async (t) => {
    const { server, waiting, open, stop } = await listen(t);
    const socket = open();
    await Promise.all([sendRequests(socket, server, 1), once(server, 'connection')]);
    socket.write(REQUEST.repeat(2));
    await once(server, 'request');
    const answers = text(socket);
    const stopped = stop();
    for (const response of waiting) response.end('answer');
    await stopped;
    t.same(count(await answers), { answers: waiting.length, closing: 1 });
  });

  t.test(
    'A stopping server closes idle connections soon, and answers those that are used until then',
    async (t) => {
      const { server, waiting, open, stop } = await listen(t);
      const [unused, idle, used] = [open(), open(), open()];
      const ended = [unused, idle].map((socket) => text(socket));
      for (const socket of [idle, used]) {
        await sendRequests(socket, server, 1);
        waiting.shift()?.end('answer');
      }
      const answers = text(used);
      const stopped = stop();
      await sendRequests(used, server, 1);
      waiting.shift()?.end('answer');
      t.same(count(await answers), { answers: 2, closing: 1 });
      await stopped;
      t.same((await Promise.all(ended)).map(count), [
        { answers: 0, closing: 0 },
        { answers: 1, closing: 0 },
      ]);
    },
  );

  t.test('A stopping server answers a request that arrives during an earlier response', async (t) => {
    const { server, waiting, open, stop } = await listen(t);
    const socket = open();
    await Promise.all([sendRequests(socket, server, 1), once(server, 'connection')]);
    const [first] = waiting;
    first?.write('half ');
    const stopped = stop();
    await sendRequests(socket, server, 1);
    const answers = text(socket);
    for (const response of waiting) response.end('answer');
    await stopped;
    t.same(count(await answers), { answers: 2, closing: 1 });
  });

  t.test('A stopping server closes a connection after a long answer that began before', async (t) => {
    const { server, waiting, open, stop } = await listen(t);
    const [socket, idle] = [open(), open()];
    await Promise.all([sendRequests(socket, server, 1), once(idle, 'connect')]);
    waiting[0]?.write('half ');
    const answers = text(socket);
    const stopped = stop();
    await once(idle.resume(), 'close');
    waiting[0]?.end('answer');
    await stopped;
    t.same(count(await answers), { answers: 1, closing: 0 });
  });

  t.test('A stopping server does not wait for clients that disconnected during a request', async (t) => {
    const { server, waiting, open, stop } = await listen(t);
    const socket = open();
    await sendRequests(socket, server, 1);
    socket.destroy();
    const [response] = waiting;
    if (response) await once(response, 'close');
    await stop();
    t.pass('the server has stopped');
  });
});
