/** Where a request comes from, for the log, the audit trail, sessions and the throttle. */
import type { FastifyRequest } from 'fastify';
import { parseAddress } from '../../accounts/networks.ts';

/**
 * @returns the address of the client as the trusted proxies tell it (see trustProxy in app.ts), or that of the peer when what they tell is
 * no address. Empty when the connection is closed.
 */
export const clientAddress = ({ ip, socket }: Pick<FastifyRequest, 'ip' | 'socket'>) =>
  parseAddress(ip ?? '') ?? parseAddress(socket.remoteAddress ?? '') ?? '';
