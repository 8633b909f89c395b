/**
 * The rules for sessions: how they begin, go on and end. A session's row is the only truth, and every request reads it, so what
 * one process ends is over for all of them at once. Sessions go by their keys here, the hashes of what cookies carry.
 */
import type { Database } from '../db/database.ts';
import type { SessionRow } from '../db/queries/sessions.ts';
import { type Actor, isSelf, userOf } from './actor.ts';
import { userTarget } from './audit.ts';
import { holds, WRITE_SESSIONS } from './authorization.ts';
import { type BestEffortLog, writeBestEffort } from './best-effort.ts';
import { applyChange } from './change.ts';
import { NotFoundError } from './errors.ts';

/** How long sessions live, in seconds: unused, at most, and at most where the session is to outlive the browser. */
export interface Lifetimes {
  idle: number;
  lifetime: number;
  remember: number;
}

/** How often at most a session that is used is written, in milliseconds. */
const TOUCH_INTERVAL = 5 * 60 * 1000;

/**
 * @returns the session of that key while it lives and its user is active. That it was seen is noted now and then, and one that
 * has ended is removed; neither makes the caller wait long or fails the request.
 */
export async function findSession(
  db: Database,
  key: string,
  lifetimes: Lifetimes,
  log: BestEffortLog,
): Promise<SessionRow | undefined> {
  const session = await db.sessions.find(key);
  if (!session) return undefined;
  const now = Date.now();
  if (session.expiresAt <= now || !session.active) {
    await writeBestEffort(db, db.sessions.end(key), log);
    return undefined;
  }
  const idle = lifetimes.idle * 1000;
  const touchInterval = Math.min(TOUCH_INTERVAL, idle / 4);
  if (now - session.lastSeenAt < touchInterval) return session;
  // A remembered session lives as long as it may from the start, idle or not.
  const expiresAt = Math.min(Math.max(session.expiresAt, now + idle), session.endsAt);
  const touched = { ...session, lastSeenAt: now, expiresAt };
  await writeBestEffort(db, db.sessions.touch({ ...touched, unseenSince: now - touchInterval + 1 }), log);
  return touched;
}

/** Ends one session of a user, who may be the actor. @throws {NotFoundError} @throws {MissingPermissionError} */
export const endSession = (db: Database, actor: Actor, user: { id: string; username: string }, id: string) =>
  applyChange(db, actor, () => ({
    conditions: [
      ...mayEndSessionsOf(db, actor, user.id),
      { step: db.sessions.endOf(user.id, id), error: () => new NotFoundError('session') },
    ],
    writes: [],
    event: { event: 'session-ended', target: { kind: 'session', id, name: user.username } },
    result: undefined,
  }));

/** Ends all sessions of the actor but the one that they use. */
export const endOtherSessions = (db: Database, actor: Actor) =>
  applyChange(db, actor, () => {
    const user = userOf(actor);
    const own = actor.credential?.kind === 'session' ? actor.credential.key : '';
    return {
      writes: [db.sessions.endOthersOf(user.id, own)],
      event: { event: 'sessions-ended', target: userTarget(user) },
      result: undefined,
    };
  });

/** Ends all sessions of a user. @throws {NotFoundError} @throws {MissingPermissionError} */
export const endSessionsOf = (db: Database, actor: Actor, userId: string) =>
  applyChange(db, actor, async () => {
    const user = await db.users.find(userId);
    if (!user) throw new NotFoundError('user');
    return {
      conditions: holds(db, actor, WRITE_SESSIONS),
      writes: [db.sessions.endAllOf(userId)],
      event: { event: 'sessions-ended', target: userTarget(user) },
      result: undefined,
    };
  });

function mayEndSessionsOf(db: Database, actor: Actor, userId: string) {
  return isSelf(actor, userId) ? [] : holds(db, actor, WRITE_SESSIONS);
}
