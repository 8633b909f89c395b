/**
 * Hashes passwords with Argon2id (RFC 9106) and checks them. A check costs the same whether or not there is a hash to
 * check against, so that the time of an answer does not tell who has an account. It costs so much, on purpose, that a
 * flood of sign-ins would slow down everybody: so there is a line, and 503 when that is full.
 */
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { hash, verify } from '@node-rs/argon2';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { BusyError, Line } from './line.ts';

export interface Passwords {
  /** @returns the hash in PHC string format. */
  hash(password: string): Promise<string>;
  /** @returns whether the password is the one that was hashed; without a hash false, after the same work. */
  verify(hashed: string | null | undefined, password: string): Promise<boolean>;
}

declare module 'fastify' {
  interface FastifyInstance {
    passwords: Passwords;
    /** A guard for routes that look at passwords: 503 when there is no room in the line, before anything is written. */
    requireRoom: (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;
  }
}

interface PasswordsOptions {
  passwords?: Passwords | undefined;
  /** How many processes share the processors. */
  workers: number;
}

/** How many hashes wait for each one that is under way: at 20 ms each, nobody waits longer than a third of a second. */
const WAITING = 16;
/** Of libuv's four threads, in which all hashing is done, one is left for everything else. */
const WIDEST = 3;

/** What OWASP's password storage cheat sheet gives for Argon2id, the library's default; memory in KiB. */
const PARAMETERS = { memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 };

/** @returns the real thing; tests may count or replace it. */
export async function argon2Passwords(): Promise<Passwords> {
  const decoy = await hash(randomBytes(32), PARAMETERS);
  return {
    hash: (password) => hash(password, PARAMETERS),
    async verify(hashed, password) {
      const right = await verify(hashed ?? decoy, password);
      return right && hashed !== null && hashed !== undefined;
    },
  };
}

export default fp<PasswordsOptions>(
  async (app, { passwords, workers }) => {
    const { hash, verify } = passwords ?? (await argon2Passwords());
    const width = Math.min(WIDEST, Math.max(1, Math.ceil(availableParallelism() / workers)));
    const line = new Line(width, width * WAITING);

    async function inLine<Result>(work: () => Promise<Result>): Promise<Result> {
      try {
        return await line.run(work);
      } catch (error) {
        throw error instanceof BusyError ? busy : error;
      }
    }
    const busy = app.problem({
      status: 503,
      kind: 'busy',
      detail: 'Too many passwords are being looked at. Try again in a moment.',
      headers: { 'retry-after': '1' },
    });

    app.decorate('passwords', {
      hash: (password: string) => inLine(() => hash(password)),
      verify: (hashed: string | null | undefined, password: string) => inLine(() => verify(hashed, password)),
    });
    app.decorate('requireRoom', (_request: FastifyRequest, _reply: FastifyReply, done) => {
      done(line.isFull ? busy : undefined);
    });
  },
  { name: 'passwords', dependencies: ['errors'] },
);
