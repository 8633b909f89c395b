/**
 * How the service ends: whoever has asked gets an answer, nobody else is let in, no process stays behind, and whoever
 * started it learns by the exit code that all went well.
 */
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { makeDatabaseWith, PASSWORD } from './support/api.ts';
import { isAlive, makeFolder, type Server, startServer, until } from './support/processes.ts';

/** How soon it ends when there is nothing to wait for, in milliseconds. */
const PROMPTLY = 5_000;

const BODY = JSON.stringify({ username: 'ann', password: PASSWORD });

test('a service that is stopped', async (t) => {
  const path = join(makeFolder(t), 'rollcall.db');
  await makeDatabaseWith(`sqlite:${path}`, 'ann');
  const start = (t: Test, WORKERS: string) =>
    startServer(t, {
      environment: { WORKERS, DATABASE_URL: `sqlite:${path}`, LOG_LEVEL: 'debug' },
    });

  /** How signals come: to the first process, from npm or kill; to the whole group, from a terminal or systemd. */
  const ways: { workers: string; signal: NodeJS.Signals; to: 'process' | 'group' }[] = [
    { workers: '1', signal: 'SIGTERM', to: 'process' },
    { workers: '2', signal: 'SIGTERM', to: 'process' },
    { workers: '2', signal: 'SIGINT', to: 'group' },
  ];
  for (const { workers, signal, to } of ways) {
    t.test(`by ${signal} to the ${to}, with WORKERS=${workers}`, async (t) => {
      const server = await start(t, workers);
      const slow = await halfAsked(t, server);
      process.kill(to === 'group' ? -server.pid : server.pid, signal);
      await closed(server);
      t.equal(server.child.exitCode, null, 'waits for the request that is under way');

      slow.socket.write(BODY.slice(10));
      t.match(await slow.answer(), /^HTTP\/1\.1 200 OK\r\n.*"username":"ann"/s, 'answers it');
      t.same(await server.ended(PROMPTLY), { code: 0, signal: null }, 'and ends at once, with exit code 0');
      await gone(t, server);
      t.equal(server.output.stderr, '');
      t.same(faults(server), []);
    });
  }

  t.test('does not wait for connections on which nothing is under way', async (t) => {
    const server = await start(t, '1');
    await connected(t, server);
    const used = await connected(t, server);
    used.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await server.logs('request completed');
    server.child.kill('SIGTERM');
    t.same(await server.ended(PROMPTLY), { code: 0, signal: null });
    t.same(faults(server), []);
  });

  for (const workers of ['1', '2']) {
    t.test(`twice does not wait any longer, with WORKERS=${workers}`, async (t) => {
      const server = await start(t, workers);
      await halfAsked(t, server);
      server.child.kill('SIGTERM');
      await closed(server);
      server.child.kill('SIGTERM');
      t.same(await server.ended(PROMPTLY), { code: 1, signal: null });
      await gone(t, server);
    });
  }
});

/** @returns an open connection on which nothing was asked. */
async function connected(t: Test, server: Server): Promise<Socket> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  t.teardown(() => socket.destroy());
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket.resume();
}

/** Asks to sign in, and holds back all but the first ten bytes of the body until told otherwise. */
async function halfAsked(t: Test, server: Server) {
  const before = server.log().filter(({ msg }) => msg === 'incoming request').length;
  const socket = await connected(t, server);
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
  });
  const head = `POST /api/sign/in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n`;
  socket.write(head + BODY.slice(0, 10));
  await server.logs('incoming request', before + 1);
  return {
    socket,
    answer: () => until('the answer is there', () => (answer.endsWith('}') ? answer : undefined)),
  };
}

/** Waits until the service takes no connections any more. */
function closed(server: Server): Promise<true> {
  const { hostname, port } = new URL(server.url);
  return until('the port is closed', async () => {
    const socket = connect(Number(port), hostname);
    const refused = await new Promise((resolve) => {
      socket.once('connect', () => resolve(false)).once('error', () => resolve(true));
    });
    socket.destroy();
    return refused === true ? true : undefined;
  });
}

/** None of its processes is left. */
async function gone(t: Test, server: Server): Promise<void> {
  const pids = new Set([server.pid, ...server.log().map(({ pid }) => pid)]);
  const left = () => [...pids].filter(isAlive);
  await until('all have ended', () => (left().length === 0 ? true : undefined), PROMPTLY).catch(() => {});
  t.same(left(), [], `of the processes ${[...pids]} none is left`);
}

/** @returns what is in the log at the levels of warnings and errors. */
function faults(server: Server): unknown[] {
  return server.log().filter(({ level }) => typeof level === 'number' && level >= 40);
}
