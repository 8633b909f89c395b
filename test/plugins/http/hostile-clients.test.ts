/**
 * Clients that are slow, stop halfway or do not read their answers are answered or closed within the timeouts of the server, and others
 * are served meanwhile. The timeouts are shorter here than in the service.
 */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';
import { onEachEngine } from '../../support/engines.ts';
import { holdIdleConnections, serveMeanwhile, startServer } from '../../support/hostile-clients.ts';
import { until } from '../../support/running.ts';
import { Client } from '../../support/service.ts';
import { answersIn, open } from '../../support/sockets.ts';

/** In milliseconds: how often the slow clients send a byte. */
const PACE = 20;
const SIGN_IN = 'POST /api/sign/in HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';

/** Sends the bytes, then one more each time. It ends when the connection does. */
function trickle(t: Test, socket: Socket, start: string, more: string): void {
  socket.write(start);
  const timer = setInterval(() => socket.write(more), PACE);
  t.teardown(() => clearInterval(timer));
  socket.on('error', () => {}).once('close', () => clearInterval(timer));
}

onEachEngine('The service has a timeout for all that a client can delay', async (t, engine) => {
  const { app } = await startServer(t, engine, {});
  const { headersTimeout, requestTimeout, timeout, keepAliveTimeout } = app.server;
  const timeouts = { headersTimeout, requestTimeout, timeout, keepAliveTimeout };
  t.strictSame(timeouts, {
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    timeout: 120_000,
    keepAliveTimeout: 72_000,
  });
});

onEachEngine('A client that does not send its whole request is answered 408', async (t, engine) => {
  const { client, port } = await startServer(t, engine, { headersTimeout: 500, requestTimeout: 1_000 });
  const rows = [
    { why: 'sends nothing', start: '', more: '' },
    { why: 'stops in the request line', start: 'GET / HT', more: '' },
    { why: 'stops in the headers', start: 'GET / HTTP/1.1\r\nHost: x\r\n', more: '' },
    { why: 'sends its headers slowly', start: 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ', more: 'x' },
    { why: 'stops in the body', start: `${SIGN_IN}Content-Length: 99\r\n\r\n{`, more: '' },
    { why: 'sends its body slowly', start: `${SIGN_IN}Content-Length: 9999\r\n\r\n{`, more: ' ' },
    { why: 'sends chunks slowly', start: `${SIGN_IN}Transfer-Encoding: chunked\r\n\r\n`, more: '1\r\n \r\n' },
    { why: 'is slow behind another request', start: 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET ', more: '/' },
  ];
  const clients = rows.map(async ({ why, start, more }) => {
    const socket = await open(port);
    const received = text(socket);
    if (more === '') socket.write(start);
    else trickle(t, socket, start, more);
    return { why, answers: answersIn(await received) };
  });
  const served = await serveMeanwhile(port, client, Promise.all(clients));
  for (const { why, answers } of await Promise.all(clients)) {
    t.match(answers.at(-1), { status: 408, body: /urn:rollcall:problem:timeout/ }, `a client that ${why}`);
    t.equal(answers.length, why.includes('another') ? 2 : 1);
  }
  t.ok(served > 0, `others were served ${served} times`);
});

onEachEngine('A client that ends its connection halfway leaves nothing open', async (t, engine) => {
  const { app, port } = await startServer(t, engine, {});
  for (const start of ['', 'GET / HT', `${SIGN_IN}Content-Length: 99\r\n\r\n{`]) {
    for (const leave of ['end', 'destroy', 'resetAndDestroy'] as const) {
      const socket = await open(port);
      socket.on('error', () => {});
      socket.write(start);
      const closed = once(socket, 'close');
      socket.resume()[leave]();
      await closed;
    }
  }
  t.equal((await new Client(app).request('GET', '/livez')).statusCode, 200);
  await until('the server has closed all connections', () => app.connections.size === 0 || undefined);
});

onEachEngine('A hundred idle connections are closed in time, and others are served', (t, engine) =>
  holdIdleConnections(t, engine, 100),
);

onEachEngine('A client that does not read its answers is closed', async (t, engine) => {
  const { app, client, port } = await startServer(t, engine, { timeout: 500 });
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  // From the start, since on a slow machine the connection may be closed before its first request is answered.
  app.server.once('connection', (accepted) => accepted.once('close', () => resolve()));
  const socket = await open(port);
  socket.on('error', () => {}).pause();
  socket.write('GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(500));
  const served = await serveMeanwhile(port, client, closed);
  t.ok(served > 0, `others were served ${served} times`);
  socket.destroy();
});
