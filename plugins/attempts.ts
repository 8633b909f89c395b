/**
 * Slows down the guessing of passwords: who has given a wrong one too often for a name, from one address, has to wait.
 * Attempts are counted in the database, before the password is looked at, so that neither many workers nor many
 * requests at once give more tries; and the same for names that nobody has.
 */
import { hash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import fp from 'fastify-plugin';
import { DuplicateError, type Write } from '../db/engine.ts';
import { targetOf } from '../db/queries/audit.ts';
import { comparable } from '../db/text.ts';

/** How many wrong passwords are let pass, and for how long they are counted, in milliseconds. */
const LIMIT = 10;
const WINDOW = 15 * 60 * 1000;

declare module 'fastify' {
  interface FastifyInstance {
    attempts: {
      /**
       * Counts one more attempt at something from where the request comes: a name's password, say.
       * @returns a write that forgets them all, for when it was right.
       * @throws a 429 problem when there were too many.
       */
      count(request: FastifyRequest, what: string): Promise<Write>;
      /** @returns a write that forgets the attempts at that from where the request comes. */
      forget(request: FastifyRequest, what: string): Write;
    };
  }
}

/** @returns what an address counts as: of IPv6, where one customer has them all, the first 64 bits. */
function network(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address;
  const [head = '', tail = ''] = address.split('::');
  const groups = head.split(':');
  const missing = 8 - groups.length - (address.includes('::') ? tail.split(':').length : 0);
  const first = [...groups, ...Array(Math.max(0, missing)).fill('0')].slice(0, 4);
  // A proxy may write the same address in more than one way.
  return first.map((group) => (Number.parseInt(group, 16) || 0).toString(16)).join(':');
}

/** @returns what attempts at that from there are counted under: a digest, since what was typed as a name may be a password. */
function keyOf(address: string, what: string): string {
  return hash('sha256', `${network(address)} ${comparable(what)}`, 'base64url');
}

export default fp(
  async (app) => {
    const { db } = app;
    const { attempts } = db;

    async function took(write: Write): Promise<boolean> {
      return (await db.atomically([write])) === undefined;
    }

    /** @returns undefined when this attempt is one of those that are let pass; else the count, which is full. */
    async function countOne(
      key: string,
      now: number,
    ): Promise<{ failures: number; expiresAt: number } | undefined> {
      // Looked at first, since most have no count: on MySQL a write that finds no row locks the gap where it would be, and
      // many who did that at once for one name undid each other's work, again and again.
      const counted = await attempts.find(key, now);
      if (counted && counted.failures >= LIMIT) return counted;
      if (counted) {
        if (await took(attempts.increment(key, now, LIMIT))) return undefined;
        // Others have filled the count between the two, or ended it.
        return countOne(key, now);
      }
      const expiresAt = now + WINDOW;
      try {
        await took(attempts.begin(key, expiresAt));
        return undefined;
      } catch (error) {
        if (!(error instanceof DuplicateError)) throw error;
      }
      // There is a count that is over, or another request was the first.
      if (await took(attempts.restart(key, now, expiresAt))) return undefined;
      return countOne(key, now);
    }

    app.decorate('attempts', {
      forget: (request, what) => attempts.forget(keyOf(request.ip, what)),
      async count(request, what) {
        const key = keyOf(request.ip, what);
        const now = Date.now();
        const full = await countOne(key, now);
        if (!full) return attempts.forget(key);
        const { failures, expiresAt } = full;
        // Told once: each attempt more would only fill the trail.
        if (failures === LIMIT) {
          const user = await db.users.findCredentials(what);
          const target = user ? targetOf(user) : null;
          await request.record({ event: 'throttled', target }, [attempts.exceed(key, now, LIMIT)]);
        }
        const seconds = Math.max(1, Math.ceil((expiresAt - now) / 1000));
        throw app.problem({
          status: 429,
          kind: 'too-many-attempts',
          detail: `There were too many attempts. Try again in ${seconds} seconds.`,
          headers: {
            'retry-after': String(seconds),
            'ratelimit-policy': `"attempts";q=${LIMIT};w=${WINDOW / 1000}`,
            ratelimit: `"attempts";r=0;t=${seconds}`,
          },
        });
      },
    });
  },
  { name: 'attempts', dependencies: ['audit', 'database', 'errors'] },
);
