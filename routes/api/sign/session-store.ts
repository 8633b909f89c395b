/**
 * What @fastify/session keeps its sessions in: our own table. It only starts and ends them; on all other routes the
 * auth plugin reads them, at a fraction of the cost. Since nothing is ever written back, a slow request can't bring a
 * session to life again that was ended meanwhile.
 */
import { callbackify } from 'node:util';
import type { FastifySessionOptions } from '@fastify/session';
import type { FastifyInstance } from 'fastify';
import { keyOf } from '../../../schemas/secrets.ts';

declare module 'fastify' {
  interface Session {
    /** Writes the session; put there by signing in. A session without it is nobody's, and is not kept. */
    keep?: (secret: string) => Promise<void>;
  }
}

/** @returns a store for @fastify/session; its session ids are the secrets of our sessions. */
export function sessionStore({
  sessions,
  log,
}: FastifyInstance): NonNullable<FastifySessionOptions['store']> {
  return {
    get: callbackify(async (secret: string) =>
      (await sessions.find(keyOf(secret), log)) ? { cookie: { originalMaxAge: null } } : null,
    ),
    set: callbackify(async (secret: string, session: { keep?: (secret: string) => Promise<void> }) => {
      await session.keep?.(secret);
    }),
    destroy: callbackify((secret: string) => sessions.end(keyOf(secret))),
  };
}
