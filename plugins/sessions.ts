/**
 * How long sessions live, and how they begin, go on and end. A session's row is the only truth: nothing is remembered
 * in the process, so what one worker ends is over for all of them at once.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { FastifyBaseLogger } from 'fastify';
import fp from 'fastify-plugin';
import type { SessionRow } from '../db/queries/sessions.ts';

/** A session that is alive, with the user that it belongs to. */
export interface LiveSession extends SessionRow {
  key: string;
}

/** Who signed in, and from where. */
export interface SignIn {
  userId: string;
  /** Whether the session is to outlive the browser. */
  remember: boolean;
  address: string;
  userAgent: string;
}

interface Sessions {
  /**
   * Starts a session of the user and notes that they signed in. It does nothing when the user has been removed or
   * disabled meanwhile: look whether the session is there.
   */
  start(secret: string, from: SignIn): Promise<void>;
  /** @returns the session of that secret while it lives and its user is active, having noted that it was seen. */
  find(secret: string, log: FastifyBaseLogger): Promise<LiveSession | undefined>;
  end(secret: string): Promise<void>;
  /** @returns whether its password was given so recently that sensitive changes need no other proof. */
  isFresh(session: LiveSession): boolean;
}

declare module 'fastify' {
  interface FastifyInstance {
    sessions: Sessions;
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

export default fp<Lifetimes>(
  async (app, { idle, lifetime, remember: remembered }) => {
    const { db, sessionCookie } = app;
    const idleTime = idle * 1000;
    const touchInterval = Math.min(TOUCH_INTERVAL, idleTime / 4);

    async function touch(session: LiveSession, now: number, log: FastifyBaseLogger): Promise<void> {
      // A session that was to be remembered lives as long as it may from the start, idle or not.
      const expiresAt = Math.min(Math.max(session.expiresAt, now + idleTime), session.endsAt);
      try {
        await db.atomically([db.sessions.touch({ key: session.key, lastSeenAt: now, expiresAt })]);
      } catch (error) {
        log.warn({ err: error }, 'the session could not be noted as seen');
      }
    }

    app.decorate('sessions', {
      async start(secret, { userId, remember, address, userAgent }) {
        const now = Date.now();
        const endsAt = now + (remember ? remembered : lifetime) * 1000;
        await db.atomically(
          db.sessions.start({
            key: sessionCookie.keyOf(secret),
            id: randomUUIDv7(),
            userId,
            now,
            expiresAt: remember ? endsAt : Math.min(now + idleTime, endsAt),
            endsAt,
            address: address.slice(0, 64),
            userAgent: userAgent.slice(0, 255),
          }),
        );
      },
      async find(secret, log) {
        const key = sessionCookie.keyOf(secret);
        const row = await db.sessions.find(key);
        if (!row) return undefined;
        const now = Date.now();
        const session = { ...row, key };
        if (row.expiresAt <= now || !row.active) {
          await db.atomically([db.sessions.end(key)]);
          return undefined;
        }
        if (now - row.lastSeenAt >= touchInterval) await touch(session, now, log);
        return session;
      },
      async end(secret) {
        await db.atomically([db.sessions.end(sessionCookie.keyOf(secret))]);
      },
      isFresh: (session) => Date.now() - session.confirmedAt < FRESH,
    });
  },
  { name: 'sessions', dependencies: ['database', 'session-cookie'] },
);
