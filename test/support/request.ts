/** The type of the requests in requests.ts, and functions for the frequent ones. */
import { PASSWORD } from './service.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
export type Method = (typeof METHODS)[number];

/** A request by the client `by`, and its expected status. Later requests refer to the created object by the name in `as`. */
export interface Step {
  by: string;
  send: `${Method} ${string}`;
  body?: unknown;
  headers?: Record<string, string>;
  status: number;
  as?: string;
}

export const UNKNOWN = '01900000-0000-7000-8000-000000000000';
export const LAST = 'ffffffff-ffff-7fff-bfff-ffffffffffff';

export const asChief = (send: Step['send'], status: number, body?: unknown, as?: string): Step => ({
  by: 'chief',
  send,
  status,
  ...(body === undefined ? {} : { body }),
  ...(as ? { as } : {}),
});
export const signIn = (by: string, username: string, status: number): Step => ({
  by,
  send: 'POST /api/sign/in',
  body: { username, password: PASSWORD },
  status,
});

/** @returns the method and the path of a request line. */
export function parse(send: Step['send']): { method: Method; path: string } {
  const method = METHODS.find((each) => send.startsWith(`${each} `));
  if (!method) throw new Error(`This is not a request: ${send}`);
  return { method, path: send.slice(method.length + 1) };
}
