/**
 * What must hold while clients read, write and sign in (see load/): reloads, kills of workers and of the primary, and a stop. Small
 * numbers are in test/cluster/under-load.test.ts, and large ones in test/long/.
 */
import { randomInt } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';
import { controlPath, readLine, type StatusReply } from '../../config/control.ts';
import { loadSettings } from '../../config/load.ts';
import { makeSecret } from '../../config/secret.ts';
import { Caller, makeDatabaseWith } from './api.ts';
import type { TestEngine } from './engines.ts';
import type { Load } from './load/index.ts';
import { childrenOf } from './memory.ts';
import { freePort } from './mysql-server.ts';
import { PROJECT, type Server, startServer } from './processes.ts';
import { type Environment, isAlive, until } from './running.ts';

/** How many requests are answered between two upheavals, at least. */
const ANSWERS = 20;
/** New connections at a time. */
const CALLERS = 50;
/** In milliseconds: the workers of a primary that was killed have ended by then. */
const END_DEADLINE = 2_000;

/** @returns a database, the settings of a service on it, and what starts it, always at the same port. */
export async function prepareService(t: Test, engine: TestEngine, environment: Record<string, string>) {
  const databaseUrl = await engine.makeDatabase(t);
  await makeDatabaseWith(databaseUrl, 'ann');
  const PORT = String(await freePort());
  const settings = { DATABASE_URL: databaseUrl, SECRET_KEY: makeSecret(), PORT, ...environment };
  return { databaseUrl, environment: settings, start: () => startServer(t, { environment: settings }) };
}

/** Stops the load. Nothing that was acknowledged may be lost or there twice, and nothing but what is named may have failed. */
export async function assertUnharmed(t: Test, load: Load, mayFail: string[] = []): Promise<void> {
  t.same(await load.stop(), [], 'each acknowledged write is there once');
  t.ok(load.writes > 0, `${load.writes} writes were acknowledged`);
  const unexpected = load.failures.filter(({ kind }) => !mayFail.includes(kind));
  t.same(unexpected.slice(0, 3).map(String), [], `unexpected failures: ${unexpected.length}`);
}

/** Reloads the service so many times, after so many reloads before. @returns once the last reload has succeeded. */
export async function reload(server: Server, load: Load, times: number, before = 0): Promise<void> {
  for (let time = 1; time <= times; time++) {
    await load.answered(ANSWERS);
    server.child.kill('SIGHUP');
    await server.logs('the reload succeeded', before + time);
  }
  await load.answered(ANSWERS);
}

/** Kills a random worker that is ready, by what the primary tells over its control socket. */
export async function killWorker(environment: Environment): Promise<void> {
  const path = controlPath(loadSettings({ root: PROJECT, environment }), Number(environment.PORT));
  const victim = await until('a worker is ready', async () => {
    const socket = connect(path);
    socket.write('status\n');
    const { workers }: StatusReply = JSON.parse(await readLine(socket));
    const ready = workers.filter(({ state }) => state === 'ready');
    return ready[randomInt(Math.max(ready.length, 1))]?.pid;
  });
  process.kill(victim, 'SIGKILL');
}

/** Kills the primary under the load, and starts the service again. @returns the new one. */
export async function killPrimary(t: Test, server: Server, start: () => Promise<Server>): Promise<Server> {
  const workers = childrenOf(server.pid);
  server.child.kill('SIGKILL');
  await until('the workers end', () => !workers.some(isAlive) || undefined, END_DEADLINE);
  t.equal(server.output.stderr, '');
  return start();
}

/**
 * Stops the service while new connections come, each with one request of a user, until they are refused.
 * @param before how many are answered before it stops.
 * @returns how many connections were cut off, and the code of the exit.
 */
export async function stopUnderConnections(server: Server, before: number) {
  const { hostname, port } = new URL(server.url);
  const ann = new Caller();
  await ann.signIn(server.url, 'ann');
  let [answered, cut, isRefused] = [0, 0, false];
  const ask = async () => {
    const socket = connect(Number(port), hostname).on('error', () => {});
    socket.write(`GET /api/users HTTP/1.1\r\nHost: x\r\nCookie: ${ann.cookie}\r\nConnection: close\r\n\r\n`);
    try {
      const answer = await text(socket);
      if (/^HTTP\/1\.1 200 OK\r\n.*}$/s.test(answer)) answered++;
      else cut++;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED') isRefused = true;
      else cut++;
    }
    if (answered >= before && !server.child.killed) server.child.kill('SIGTERM');
  };
  const caller = async () => {
    while (!isRefused) await ask();
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  const { code } = await server.ended();
  return { answered, cut, code };
}
