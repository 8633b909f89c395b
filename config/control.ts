/**
 * What the primary and the commands `manage reload` and `manage status` say to each other, over a socket of the file system: a line with
 * the name of the command, and a line of JSON as the answer. Both read this file, and it is the one here that is no setting. The primary
 * may be of an older version than the command.
 */
import { createHash } from 'node:crypto';
import { lstatSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { type Static, Type } from 'typebox';
import type { Settings } from './load.ts';

/** In bytes: Linux has room for 107, macOS for 103. */
const LONGEST_PATH = 103;
/** In milliseconds: a connection on which nothing came or went for so long is given up. */
const SILENCE = 10_000;
/** In milliseconds: how often the primary sends an empty line while an answer takes long. */
export const SIGN_OF_LIFE = 1_000;
/** In characters. Far more than the status of 999 workers. */
const LONGEST_LINE = 1024 * 1024;

export type ControlCommand = 'reload' | 'status';

export const ReloadReply = Type.Object({
  /** When it began, as ISO 8601. */
  at: Type.String(),
  /** How many workers were replaced or added. */
  replaced: Type.Integer(),
  /** The settings that have changed, and take effect by a restart only. */
  needRestart: Type.Array(Type.String()),
  /** Why it failed, if it did. */
  failure: Type.Optional(Type.String()),
  /** Whether it followed another reload that was under way. */
  waited: Type.Optional(Type.Boolean()),
});

export const StatusReply = Type.Object({
  /** Of the primary. A worker may have a newer one. */
  version: Type.String(),
  since: Type.String(),
  url: Type.String(),
  workers: Type.Array(
    Type.Object({
      pid: Type.Optional(Type.Integer()),
      since: Type.String(),
      state: Type.String(),
      version: Type.String(),
      /** 1, and one more after each reload that renewed the settings. */
      generation: Type.Integer(),
    }),
  ),
  /** How many workers have taken the place of one that ended by itself. */
  restarts: Type.Integer(),
  lastReload: Type.Optional(ReloadReply),
});

export type ReloadReply = Static<typeof ReloadReply>;
export type StatusReply = Static<typeof StatusReply>;

/** @returns the path of the socket: beside the made secret key, or where that is too long, in a folder that `assertOwnFolder` checks. */
export function controlPath({ secretPath }: Settings, port: number): string {
  const path = join(dirname(secretPath), `control-${port}.sock`);
  if (Buffer.byteLength(path) <= LONGEST_PATH) return path;
  const hash = createHash('sha256').update(path).digest('hex').slice(0, 32);
  return join(sharedFolder(), `${hash}.sock`);
}

/** @returns the folder of this user's sockets in the system's folder of temporary files. */
const sharedFolder = () => join(tmpdir(), `rollcall-${userInfo().uid}`);

/**
 * Everybody may make folders in the system's folder of temporary files, also those of a name that somebody else will look for.
 * @throws {Error} when another user may enter the socket's folder, if it lies there.
 */
export function assertOwnFolder(socketPath: string): void {
  const folder = dirname(socketPath);
  if (folder !== sharedFolder()) return;
  const found = lstatSync(folder, { throwIfNoEntry: false });
  const isOwn = found?.isDirectory() && found.uid === userInfo().uid && (found.mode & 0o077) === 0;
  if (found && !isOwn)
    throw new Error(`${folder} is not a folder that only its owner, this user, can enter. Remove it.`);
}

/**
 * @returns the first line that is not empty.
 * @throws {Error} when the other side is silent for too long, sends too much, or ends the connection.
 */
export function readLine(socket: Socket): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = '';
  socket.setEncoding('utf8').setTimeout(SILENCE, () => socket.destroy(new Error('it does not answer')));
  socket.on('data', (chunk: string) => {
    text = (text + chunk).trimStart();
    if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    else if (text.length > LONGEST_LINE) socket.destroy(new Error('its line is too long'));
  });
  socket.on('error', reject);
  socket.on('close', () => reject(new Error('it ended the connection')));
  return promise;
}
