/**
 * Stopping the service: requests in progress are answered, new connections are refused, all processes end, and the exit code
 * is 0.
 */
import { execFileSync } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { makeDatabaseWith, PASSWORD } from '../support/api.ts';
import { childrenOf } from '../support/memory.ts';
import { makeFolder, PROJECT, Server, startServer } from '../support/processes.ts';
import { isAlive, until } from '../support/running.ts';

/** The time in which the service stops when nothing is in progress, in milliseconds. */
const STOP_TIMEOUT = 5_000;

const BODY = JSON.stringify({ username: 'ann', password: PASSWORD });

test('The service stops gracefully', async (t) => {
  const path = join(makeFolder(t), 'rollcall.db');
  await makeDatabaseWith(`sqlite:${path}`, 'ann');
  const settings = (WORKERS: string) => ({
    environment: { WORKERS, DATABASE_URL: `sqlite:${path}`, LOG_LEVEL: 'debug' },
  });
  const start = (t: Test, WORKERS: string) => startServer(t, settings(WORKERS));

  /** npm and kill signal the first process. A terminal and systemd signal the whole process group. */
  const signals: { workers: string; signal: NodeJS.Signals; to: 'process' | 'group' }[] = [
    { workers: '2', signal: 'SIGTERM', to: 'process' },
    { workers: '2', signal: 'SIGINT', to: 'group' },
  ];
  for (const { workers, signal, to } of signals) {
    t.test(
      `${signal} to the ${to} stops the service with WORKERS=${workers} after the request in progress`,
      async (t) => {
        const server = await start(t, workers);
        const slow = await sendHalfRequest(t, server);
        process.kill(to === 'group' ? -server.pid : server.pid, signal);
        await closed(server);
        t.equal(server.child.exitCode, null, 'the service waits for the request in progress');

        slow.socket.write(BODY.slice(10));
        t.match(await slow.answer(), /^HTTP\/1\.1 200 OK\r\n.*"username":"ann"/s, 'the request is answered');
        t.same(
          await server.ended(STOP_TIMEOUT),
          { code: 0, signal: null },
          'the service exits with 0 at once',
        );
        await gone(t, server);
        t.equal(server.output.stderr, '');
        t.same(faults(server), []);
      },
    );
  }

  t.test('A second SIGTERM ends all processes at once, a worker that is stopped included', async (t) => {
    const server = await start(t, '2');
    await sendHalfRequest(t, server);
    process.kill(server.serving()[0] ?? 0, 'SIGSTOP');
    server.child.kill('SIGTERM');
    await server.logs('the service stops');
    server.child.kill('SIGTERM');
    t.same(await server.ended(STOP_TIMEOUT), { code: 1, signal: null });
    await gone(t, server);
    t.equal(server.output.stderr, '');
  });

  t.test('SIGHUP to the group ends no process, and SIGTERM does not wait for idle connections', async (t) => {
    const server = await start(t, '1');
    const [worker = 0] = server.serving();
    process.kill(-server.pid, 'SIGHUP');
    await server.logs('the reload succeeded');
    t.equal(server.serving().length, 2);
    await until('the former worker has ended', () => !isAlive(worker) || undefined);
    await connected(t, server);
    const used = await connected(t, server);
    used.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await server.logs('request completed');
    server.child.kill('SIGTERM');
    t.same(await server.ended(STOP_TIMEOUT), { code: 0, signal: null });
    t.same(faults(server), []);
  });

  t.test(
    'As process 1, the service stops at SIGTERM and leaves no zombie',
    { skip: asProcess1() },
    async (t) => {
      const { environment } = settings('1');
      const own = ['--pid', '--fork', '--mount-proc', '--kill-child', process.execPath, 'server.ts'];
      const server = new Server(PROJECT, 'unshare', own, environment, 'ignore');
      t.teardown(() => server.kill());
      await server.says('that it has started', (stdout) => / listens on /.test(stdout) || undefined);
      await server.logs('Server listening');
      const [primary = 0] = childrenOf(server.pid);
      // The maintainer and the worker.
      for (const child of childrenOf(primary)) process.kill(child, 'SIGKILL');
      await server.logs('Server listening', 2);
      const children = await until('both are replaced', () => {
        const found = childrenOf(primary);
        return found.length === 2 ? found : undefined;
      });
      t.same(children.map(isAlive), [true, true], 'those that were killed are no zombies');
      process.kill(primary, 'SIGTERM');
      t.same(await server.ended(STOP_TIMEOUT), { code: 0, signal: null });
    },
  );
});

/** @returns why no process can be process 1 here, or false. @throws when REQUIRE_UNSHARE=1 lets nothing be skipped. */
function asProcess1(): string | false {
  try {
    execFileSync('unshare', ['--pid', '--fork', '--mount-proc', 'true'], { stdio: 'ignore' });
    return false;
  } catch (error) {
    if (process.env.REQUIRE_UNSHARE === '1') throw error;
    return 'unshare is not permitted here';
  }
}

/** @returns an open connection without a request. */
async function connected(t: Test, server: Server): Promise<Socket> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  t.teardown(() => socket.destroy());
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket.resume();
}

/** Sends a sign-in without the rest of its body after the first ten bytes. */
async function sendHalfRequest(t: Test, server: Server) {
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
    answer: () => until('the response has arrived', () => (answer.endsWith('}') ? answer : undefined)),
  };
}

/** Waits until the service refuses connections. */
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

/** Checks that all processes of the service have ended. */
async function gone(t: Test, server: Server): Promise<void> {
  const pids = new Set([server.pid, ...server.log().map(({ pid }) => pid)]);
  const left = () => [...pids].filter(isAlive);
  await until('all processes have ended', () => (left().length === 0 ? true : undefined), STOP_TIMEOUT).catch(
    () => {},
  );
  t.same(left(), [], `the processes ${[...pids]} have ended`);
}

/** @returns the warnings and errors in the log. */
function faults(server: Server): unknown[] {
  return server.log().filter(({ level }) => typeof level === 'number' && level >= 40);
}
