/**
 * Hashes passwords and checks them. A check costs the same whether or not there is a hash to check against, so that the
 * time of an answer does not tell who has an account. It costs so much, on purpose, that a flood of sign-ins would slow
 * down everybody: so there is a line, and 503 when that is full.
 */
import { availableParallelism } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { type Hashing, makeHashing } from './hashing.ts';
import { BusyError, Line } from './line.ts';

declare module 'fastify' {
  interface FastifyInstance {
    passwords: Hashing & {
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
  /** Takes the place of the real one. */
  hashing?: Hashing | undefined;
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
/** How many hashes are under way at once, at most: each needs a thread. */
const WIDEST = 3;

async function ownHashing(app: FastifyInstance): Promise<Hashing> {
  const { end, ...hashing } = await makeHashing();
  app.addHook('onClose', end);
  return hashing;
}

export default fp<PasswordsOptions>(
  async (app, { hashing, workers }) => {
    const { hash, verify } = hashing ?? (await ownHashing(app));
    const width = Math.min(WIDEST, Math.max(1, Math.ceil(availableParallelism() / workers)));
    const line = new Line(width * AT_WORK, width * (ROOM - AT_WORK));
    const underWay = new Line(width, Number.POSITIVE_INFINITY);

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
        using _place = await underWay.take();
        return await hash(password);
      },
      async verify(hashed: string | null | undefined, password: string) {
        using _place = await underWay.take();
        return await verify(hashed, password);
      },
      async takePlace() {
        try {
          const place = await line.take();
          // In another turn than the one that left it, so that somebody else may be answered in between. Who has not waited loses
          // some microseconds by it.
          await nextTurn();
          return place;
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
