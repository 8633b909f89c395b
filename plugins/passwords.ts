/**
 * Hashes passwords with Argon2id (RFC 9106) and checks them. A check costs the same whether or not there is a hash to
 * check against, so that the time of an answer does not tell who has an account. It costs so much, on purpose, that a
 * flood of sign-ins would slow down everybody: so there is a line, and 503 when that is full.
 */
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { hash, verify } from '@node-rs/argon2';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { BusyError, Line } from './line.ts';
import { letHashingGiveWay } from './priority.ts';

export interface Passwords {
  /** @returns the hash in PHC string format. */
  hash(password: string): Promise<string>;
  /** @returns whether the password is the one that was hashed; without a hash false, after the same work. */
  verify(hashed: string | null | undefined, password: string): Promise<boolean>;
}

declare module 'fastify' {
  interface FastifyInstance {
    passwords: Passwords & {
      /**
       * Every route that looks at a password does all its work in such a place: `using _place = await takePlace()`.
       * @returns one, when it is this request's turn. @throws a 503 problem when the line is full.
       */
      takePlace(): Promise<Disposable>;
    };
    /** A guard for those routes: 503 when there is no room in the line, before the body is read. */
    requireRoom: (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;
  }
}

interface PasswordsOptions {
  passwords?: Passwords | undefined;
  /** How many processes share the processors. */
  workers: number;
}

/**
 * How many requests there is room for, for each hash that is under way: at 20 ms each, nobody waits longer than a third of
 * a second.
 */
const ROOM = 17;
/**
 * How many of these are at work: while one hashes, the others may talk to the database. Those that wait have asked it for
 * nothing yet: when all did, they held every connection to MySQL, mostly to wait for each other's locks, and the signed-in
 * waited behind them, 67 ms in the middle instead of 2. And fewer of them than the attempts at one name that are let pass.
 */
const AT_WORK = 3;
/** Of libuv's four threads, in which all hashing is done, one is left for everything else. */
const WIDEST = 3;

/** What OWASP's password storage cheat sheet gives for Argon2id, the library's default; memory in KiB. */
const PARAMETERS = { memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 };

const randomBytesOf = promisify(randomBytes);

/**
 * @returns what looks like a hash, and costs as much to check against: random bytes in the place of salt and result, for which
 * nobody knows a password. To hash something for it would take each process 13 to 30 ms of its start.
 */
async function makeDecoy(): Promise<string> {
  const { memoryCost, timeCost, parallelism } = PARAMETERS;
  const text = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
  const [salt, result] = await Promise.all([randomBytesOf(16), randomBytesOf(32)]);
  return `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$${text(salt)}$${text(result)}`;
}

/** @returns the real thing; tests may count or replace it. */
export async function argon2Passwords(): Promise<Passwords> {
  const decoy = await makeDecoy();
  letHashingGiveWay();
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
    const line = new Line(width * AT_WORK, width * (ROOM - AT_WORK));
    const hashing = new Line(width, Number.POSITIVE_INFINITY);

    const busy = app.problem({
      status: 503,
      kind: 'busy',
      detail: 'Too many passwords are being looked at. Try again in a moment.',
      headers: { 'retry-after': '1' },
      told: true,
    });

    let turnedAway = 0;
    /** Tells the log once a second how many there were: told one by one they would cost more than refusing them. */
    function turnAway(): Error {
      if (turnedAway++ === 0) {
        setTimeout(() => {
          app.log.warn({ turnedAway }, 'too many passwords to look at: some requests were turned away');
          turnedAway = 0;
        }, 1000).unref();
      }
      return busy;
    }

    app.decorate('passwords', {
      async hash(password: string) {
        using _place = await hashing.take();
        return await hash(password);
      },
      async verify(hashed: string | null | undefined, password: string) {
        using _place = await hashing.take();
        return await verify(hashed, password);
      },
      async takePlace() {
        try {
          return await line.take();
        } catch (error) {
          throw error instanceof BusyError ? turnAway() : error;
        }
      },
    });
    app.decorate('requireRoom', (_request: FastifyRequest, _reply: FastifyReply, done) => {
      done(line.isFull ? turnAway() : undefined);
    });
  },
  { name: 'passwords', dependencies: ['errors'] },
);
