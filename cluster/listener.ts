/**
 * The service's port. The primary holds the bound socket without accepting connections, and gives it to each worker. So connections wait
 * in the kernel's queue while no worker lives. The socket that the cluster module shares would be closed with the last worker.
 */
import { lookup } from 'node:dns/promises';
import { _createServerHandle, type BoundSocket } from 'node:net';
import { getSystemErrorMessage, getSystemErrorName } from 'node:util';
import type { Settings } from '../config/load.ts';
import { SettingsError } from '../config/sources.ts';

declare module 'node:net' {
  /** What `server.listen` takes as a handle. */
  interface BoundSocket {
    /** Fills in the address. @returns 0, or the number of an error. */
    getsockname(address: { port?: number }): number;
    /** @param backlog how many connections may wait in the kernel's queue, and one more. @returns 0, or the number of an error. */
    listen(backlog: number): number;
    close(): void;
  }
  /** The cluster module makes its sockets by it. It is not documented: no documented function binds without accepting. */
  function _createServerHandle(address: string, port: number, family: number): BoundSocket | number;
}

export interface Listener {
  socket: BoundSocket;
  /** Such as http://127.0.0.1:5000. */
  url: string;
  /** The one that the kernel has chosen, where PORT is 0. */
  port: number;
}

/** @returns the error that tells why the service can't listen where the settings want it to. */
export function refuseAddress({ HOST, PORT }: Settings, reason: string): SettingsError {
  return new SettingsError([
    `HOST is ${HOST} and PORT is ${PORT}, but the service can't listen there: ${reason}. Set an address of this machine and a free port.`,
  ]);
}

/** Binds the address, and the first one of a host's name. @throws {SettingsError} when the service can't listen there. */
export async function bindAddress(settings: Settings): Promise<Listener> {
  const { HOST, PORT } = settings;
  const { address, family } = await lookup(HOST, { order: 'ipv4first' }).catch((error: Error) => {
    throw refuseAddress(settings, error.message);
  });
  const socket = _createServerHandle(address, PORT, family);
  const bound: { port?: number } = {};
  const fault = typeof socket === 'number' ? socket : socket.getsockname(bound);
  if (typeof socket === 'number' || fault !== 0)
    throw refuseAddress(
      settings,
      `bind ${getSystemErrorName(fault)}: ${getSystemErrorMessage(fault)} ${address}:${PORT}`,
    );
  const port = bound.port ?? PORT;
  const host = HOST.includes(':') ? `[${HOST}]` : HOST;
  return { socket, url: `http://${host}:${port}`, port };
}
