/** What tests of hostile clients share: a service with short timeouts, clients beside them, and idle connections. */
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';
import type { App } from '../../app.ts';
import type { TestEngine } from './engines.ts';
import { until } from './running.ts';
import { type Client, makeUser, quickHashing, signedIn, startService } from './service.ts';
import { answersIn, exchange, listen, open } from './sockets.ts';

/** Starts a service with these timeouts, in milliseconds. @returns it, a client who is signed in, and its port. */
export async function startServer(
  t: Test,
  engine: TestEngine,
  timeouts: Partial<Pick<App['server'], 'headersTimeout' | 'requestTimeout' | 'timeout'>>,
) {
  const { app } = await startService(t, engine, { hashing: quickHashing, settings: { DOCS: true } });
  Object.assign(app.server, timeouts);
  // A server that closes looks for late requests no more: after a failure it would wait for the slow clients.
  t.teardown(() => app.server.closeAllConnections());
  await makeUser(app, 'ann');
  return { app, client: await signedIn(app, 'ann'), port: await listen(app) };
}

/**
 * Sends requests of the client, each on a connection of its own, until the promise settles. On a slow machine they can miss the short
 * timeouts as well, or be told that the service is busy: these count for nothing.
 * @returns how many were served before.
 */
export async function serveMeanwhile(
  port: number,
  client: Client,
  promise: Promise<unknown>,
): Promise<number> {
  const request = `GET /api/users HTTP/1.1\r\nHost: x\r\nCookie: ${client.cookie}\r\nConnection: close\r\n\r\n`;
  let [served, isOver] = [0, false];
  const over = promise.finally(() => {
    isOver = true;
  });
  // It is awaited after the last request. Until then, its failure must not end the process.
  over.catch(() => {});
  while (!isOver) {
    const [answer] = await exchange(port, request).catch(() => []);
    if (answer && ![200, 408, 503].includes(answer.status))
      throw new Error(`A client was answered ${answer.status}.`);
    if (answer?.status === 200 && !isOver) served++;
  }
  await over;
  return served;
}

/** Opens so many connections, in hundreds, that send nothing, and checks that they are closed in time, while others are served. */
export async function holdIdleConnections(t: Test, engine: TestEngine, count: number): Promise<void> {
  const { app, client, port } = await startServer(t, engine, {});
  const sockets: Socket[] = [];
  // The system drops what comes while too many wait to be accepted.
  while (sockets.length < count) {
    sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => open(port)))));
    await until('they are accepted', () => app.connections.size === sockets.length || undefined);
  }
  Object.assign(app.server, { headersTimeout: 500, requestTimeout: 1_000 });
  const answers = Promise.all(sockets.map((socket) => text(socket)));
  const served = await serveMeanwhile(port, client, answers);
  t.ok(served > 0, `others were served ${served} times`);
  const statuses = (await answers).flatMap((received) => answersIn(received).map(({ status }) => status));
  t.strictSame(statuses, Array(count).fill(408));
  await until('the server has closed all connections', () => app.connections.size === 0 || undefined);
}
