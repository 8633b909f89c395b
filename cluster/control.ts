/** The control socket, by which `manage reload` and `manage status` reach the primary. Only the service's own user can connect. */
import { once } from 'node:events';
import { lstatSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import {
  assertOwnFolder,
  type ReloadReply,
  readLine,
  SIGN_OF_LIFE,
  type StatusReply,
} from '../config/control.ts';
import { codeOf } from '../config/errors.ts';
import { createFolder } from '../config/folder.ts';

/** What the commands ask for, by their names. */
interface Commands {
  reload(): Promise<ReloadReply>;
  status(): StatusReply;
}

const MOST_CONNECTIONS = 16;

/**
 * Listens on the path. Where that is not possible, the service goes on without, and the log says so.
 * @returns a function that stops listening. Requests that are there are still answered.
 */
export async function serveControl(path: string, commands: Commands, log: Logger): Promise<() => void> {
  const server = createServer((socket) => void answer(socket, commands));
  server.maxConnections = MOST_CONNECTIONS;
  try {
    createFolder(dirname(path));
    assertOwnFolder(path);
    await listen(server, path);
  } catch (error) {
    log.warn({ err: error, path }, 'manage reload and manage status do not reach this service');
  }
  return () => server.close();
}

async function answer(socket: Socket, commands: Commands): Promise<void> {
  let signs: NodeJS.Timeout | undefined;
  try {
    const command = await readLine(socket);
    // An empty line now and then tells the command that an answer is under way. Who has asked nothing yet is given up after a silence.
    signs = setInterval(() => socket.write('\n'), SIGN_OF_LIFE);
    if (command !== 'reload' && command !== 'status') throw new Error('There is no such command.');
    socket.end(`${JSON.stringify(await commands[command]())}\n`);
  } catch {
    socket.destroy();
  }
  clearInterval(signs);
}

/** @throws {Error} when the path can't be listened on, or another service listens there. */
async function listen(server: Server, path: string): Promise<void> {
  try {
    await listenPrivately(server, path);
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE' || !(await isLeftOver(path))) throw error;
    rmSync(path);
    await listenPrivately(server, path);
  }
}

async function listenPrivately(server: Server, path: string): Promise<void> {
  // The socket is made within the call of listen.
  const before = process.umask(0o177);
  server.listen(path);
  process.umask(before);
  await once(server, 'listening');
}

/** @returns whether it is a socket on which nobody listens: a service was killed. */
async function isLeftOver(path: string): Promise<boolean> {
  if (!lstatSync(path).isSocket()) return false;
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return false;
  } catch (error) {
    return codeOf(error) === 'ECONNREFUSED';
  } finally {
    socket.destroy();
  }
}
