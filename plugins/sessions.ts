/**
 * How long sessions live, and how they begin, go on and end. A session's row is the only truth: nothing is taken for true
 * before the database was asked, so what one worker ends is over for all of them at once. Sessions go by their keys here, which are
 * the hashes of what cookies carry.
 */
import { randomUUIDv7 } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import fp from 'fastify-plugin';
import type { Write } from '../db/engine.ts';
import type { SessionRow } from '../db/queries/sessions.ts';

/** Who signed in, and from where. */
export interface SignIn {
  userId: string;
  /** The hash that the password was checked against. */
  passwordHash: string;
  /** Whether the session is to outlive the browser. */
  remember: boolean;
  address: string;
  userAgent: string;
}

interface Sessions {
  /**
   * @returns writes that start a session of the user and note that they signed in. They miss when the user has been
   * removed or disabled, or has got another password meanwhile.
   */
  start(key: string, from: SignIn): Write[];
  /**
   * @returns the session of that key while it lives and its user is active, having noted that it was seen; with the
   * permissions that the user holds, if they are asked for, in the same statement.
   */
  find(
    key: string,
    log: FastifyBaseLogger,
    withPermissions?: boolean,
  ): Promise<(SessionRow & { permissions?: readonly string[] }) | undefined>;
  end(key: string): Promise<void>;
  /** @returns whether its password was given so recently that sensitive changes need no other proof. */
  isFresh(session: SessionRow): boolean;
}

declare module 'fastify' {
  interface FastifyInstance {
    sessions: Sessions;
    /** Writes what a request does not depend on: it waits only a moment, and is not refused if that fails. */
    noteInPassing(write: Write, log: FastifyBaseLogger): Promise<void>;
  }
}

interface Lifetimes {
  /** All in seconds. */
  idle: number;
  lifetime: number;
  remember: number;
}

/** How long after the password was given a session counts as fresh, in milliseconds. */
const FRESH = 15 * 60 * 1000;
/** How often at most a session that is used is written, in milliseconds. */
const TOUCH_INTERVAL = 5 * 60 * 1000;

/** How long a request waits for that at most, in milliseconds. */
const NOTE_PATIENCE = 100;

export default fp<Lifetimes>(
  async (app, { idle, lifetime, remember: remembered }) => {
    const { db } = app;
    const idleTime = idle * 1000;
    const touchInterval = Math.min(TOUCH_INTERVAL, idleTime / 4);

    async function note(write: Write, log: FastifyBaseLogger): Promise<void> {
      try {
        await db.atomically([write]);
      } catch (error) {
        log.warn({ err: error }, 'that somebody was seen could not be noted');
      }
    }

    app.decorate('noteInPassing', async (write, log) => {
      await Promise.race([note(write, log), delay(NOTE_PATIENCE, undefined, { ref: false })]);
    });

    /** @returns the session as it is after it has been seen now. */
    function seen<Row extends SessionRow>(session: Row, now: number): Row {
      // A session that was to be remembered lives as long as it may from the start, idle or not.
      const expiresAt = Math.min(Math.max(session.expiresAt, now + idleTime), session.endsAt);
      return { ...session, lastSeenAt: now, expiresAt };
    }

    app.decorate('sessions', {
      start(key, { remember, address, userAgent, ...from }) {
        const now = Date.now();
        const endsAt = now + (remember ? remembered : lifetime) * 1000;
        return db.sessions.start({
          ...from,
          key,
          id: randomUUIDv7(),
          now,
          expiresAt: remember ? endsAt : Math.min(now + idleTime, endsAt),
          endsAt,
          remembered: remember,
          address: address.slice(0, 64),
          userAgent: userAgent.slice(0, 255),
        });
      },
      async find(key, log, withPermissions = false) {
        const { find, findWithPermissions } = db.sessions;
        const session = await (withPermissions ? findWithPermissions : find)(key);
        if (!session) return undefined;
        const now = Date.now();
        if (session.expiresAt <= now || !session.active) {
          await note(db.sessions.end(key), log);
          return undefined;
        }
        if (now - session.lastSeenAt < touchInterval) return session;
        const touched = seen(session, now);
        const touch = db.sessions.touch({ ...touched, unseenSince: now - touchInterval + 1 });
        await app.noteInPassing(touch, log);
        return touched;
      },
      async end(key) {
        await db.atomically([db.sessions.end(key)]);
      },
      isFresh: (session) => Date.now() - session.confirmedAt < FRESH,
    });
  },
  { name: 'sessions', dependencies: ['database'] },
);
