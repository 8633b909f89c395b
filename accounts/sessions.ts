/**
 * The rules for sessions: how they begin, go on and end. A session's row is the only truth, and every request reads it, so what
 * one process ends is over for all of them at once. Sessions go by their keys here, the hashes of what cookies carry.
 */
import { isFromFuture } from '../db/clock.ts';
import type { Database } from '../db/database.ts';
import { makeId } from '../db/ids.ts';
import type { SessionRow } from '../db/queries/sessions.ts';
import type { UserRow } from '../db/queries/users.ts';
import { type Actor, isSelf, userOf } from './actor.ts';
import { userTarget } from './audit.ts';
import {
  authorityOver,
  holds,
  requireFreshSession,
  requirePermissions,
  WRITE_SESSIONS,
} from './authorization.ts';
import { type BestEffortLog, writeBestEffort } from './best-effort.ts';
import { applyChange, type Change, lockActor, recordEvent } from './change.ts';
import { MissingPermissionError, NotFoundError } from './errors.ts';
import { requireUser } from './find.ts';
import { rememberNetwork } from './known-networks.ts';
import { refuseSignIn, type VerifiedUser } from './sign-in.ts';
import { forgetAttempts } from './throttle.ts';

/**
 * How long sessions live, in seconds: unused, at most, and at most where the session is to outlive the browser. And how many a user has
 * at once.
 */
export interface SessionLimits {
  idle: number;
  lifetime: number;
  remember: number;
  most: number;
}

/** How often at most a session that is used is written, in milliseconds. */
const TOUCH_INTERVAL = 5 * 60 * 1000;

interface NewSession {
  /** The name that was typed: attempts at it are forgotten. */
  name: string;
  /** Whether the session is to outlive the browser. */
  remember: boolean;
}

/** A session that began, and its user. */
export interface StartedSession {
  session: Pick<SessionRow, 'id' | 'createdAt' | 'lastSeenAt' | 'expiresAt' | 'endsAt'>;
  user: UserRow;
  /** How many of the user's sessions ended, so that there is room for this one. */
  endedSessions: number;
}

/**
 * Starts a session. Where its user has as many as they may have, those end that were not seen for longest.
 * @throws {WrongCredentialsError} when the user was disabled, removed or given another password since the check.
 */
export const startSession = (
  db: Database,
  actor: Actor,
  key: string,
  { passwordHash, ...user }: VerifiedUser,
  { name, remember }: NewSession,
  limits: SessionLimits,
) => {
  let isFirstTry = true;
  return applyChange(db, actor, async (): Promise<Change<StartedSession>> => {
    const row = await db.users.find(user.id);
    if (!row) return refuseSignIn(db, actor, user);
    const now = Date.now();
    const endsAt = now + (remember ? limits.remember : limits.lifetime) * 1000;
    const expiresAt = remember ? endsAt : Math.min(now + limits.idle * 1000, endsAt);
    const id = makeId();
    const { address, userAgent } = actor;
    const session = { id, expiresAt, endsAt, remembered: remember, address, userAgent };
    // Nearly always there is room, so they are counted only once the writing has found otherwise.
    const surplus = isFirstTry ? 0 : await db.sessions.countSurplus(user.id, limits.most, now);
    isFirstTry = false;
    return {
      conditions: [
        { step: db.users.signIn(user.id, passwordHash, now), error: () => refuseSignIn(db, actor, user) },
      ],
      writes: [
        db.sessions.add({ key, userId: user.id, now, ...session }),
        // After the insertion: the gaps that MySQL locks here would let two new sessions wait for each other.
        db.sessions.endSurplus(user.id, key, limits.most, surplus, now),
        await rememberNetwork(db, actor, user.id),
        forgetAttempts(db, actor, name),
      ],
      event: {
        event: 'signed-in',
        actor: user,
        via: 'password',
        target: userTarget(user),
        ...(surplus > 0 ? { after: { endedSessions: surplus } } : {}),
      },
      result: {
        session: { id, createdAt: now, lastSeenAt: now, expiresAt, endsAt },
        user: { ...row, lastSignInAt: now },
        endedSessions: surplus,
      },
    };
  });
};

/** Whether it has expired, or its user is not active. Seen in the future: the clock was set back since, and it would live for too long. */
function hasEnded({ expiresAt, lastSeenAt, active }: SessionRow, now: number): boolean {
  return expiresAt <= now || isFromFuture(lastSeenAt, now) || !active;
}

/** @returns the session of that key while it lives and its user is active, for what ends it: nothing is noted. */
export async function findSessionToEnd(db: Database, key: string): Promise<SessionRow | undefined> {
  const session = await db.sessions.find(key);
  return session && !hasEnded(session, Date.now()) ? session : undefined;
}

/**
 * @returns the session of that key while it lives and its user is active. That it was seen is noted now and then, and one that
 * has ended is removed; neither makes the caller wait long or fails the request.
 */
export async function findSession(
  db: Database,
  key: string,
  limits: SessionLimits,
  log: BestEffortLog,
): Promise<SessionRow | undefined> {
  const session = await db.sessions.find(key);
  if (!session) return undefined;
  const now = Date.now();
  if (hasEnded(session, now)) {
    await writeBestEffort(db, db.sessions.end(key), log);
    return undefined;
  }
  const idle = limits.idle * 1000;
  const touchInterval = Math.min(TOUCH_INTERVAL, idle / 4);
  if (now - session.lastSeenAt < touchInterval) return session;
  // A remembered session lives as long as it may from the start, idle or not.
  const expiresAt = Math.min(Math.max(session.expiresAt, now + idle), session.endsAt);
  const touched = { ...session, lastSeenAt: now, expiresAt };
  await writeBestEffort(db, db.sessions.touch({ ...touched, unseenSince: now - touchInterval + 1 }), log);
  return touched;
}

/**
 * Reads a page of a user's living sessions. Where they sign in is shown to those who may end their sessions.
 * @throws {NotFoundError} @throws {MissingPermissionError}
 */
export async function readSessionsOf(
  db: Database,
  actor: Actor,
  userId: string,
  after: string,
  limit: number,
) {
  requirePermissions(actor, WRITE_SESSIONS);
  // Authority as in authorityOver, by the statement that reads the sessions.
  const found = await db.sessions.pageOfUser(userId, actor.permissions, after, limit, Date.now());
  if (!found) throw new NotFoundError('user');
  if (found.lacking !== null) throw new MissingPermissionError([found.lacking]);
  return found.sessions;
}

/** Ends the session that its browser replaces by signing in anew. The audit trail has the new one. */
export async function endReplacedSession(db: Database, key: string): Promise<void> {
  if (await db.sessions.find(key)) await db.atomically([db.sessions.end(key)]);
}

/** Ends the session and records that its user signed out. One that has ended already stays so. */
export async function signOut(db: Database, actor: Actor, session: SessionRow): Promise<void> {
  const user = { id: session.userId, username: session.username };
  const target = { kind: 'session' as const, id: session.id, name: user.username };
  const end = db.sessions.endOf(user.id, session.id);
  await recordEvent(db, actor, { event: 'signed-out', actor: user, via: 'session', target }, end);
}

/**
 * Ends one session of a user, who may be the actor.
 * @throws {NotFoundError} @throws {MissingPermissionError} @throws {StaleSessionError} unless it is the session that the actor uses.
 */
export const endSession = (db: Database, actor: Actor, user: { id: string; username: string }, id: string) =>
  applyChange(db, actor, async () => {
    if (actor.credential?.id !== id) requireFreshSession(actor);
    const { locks, conditions } = await authorityOver(db, actor, user.id);
    return {
      locks,
      conditions: [
        ...(isSelf(actor, user.id) ? [] : holds(db, actor, WRITE_SESSIONS)),
        ...conditions,
        { step: db.sessions.endOf(user.id, id), error: () => new NotFoundError('session') },
      ],
      writes: [],
      event: { event: 'session-ended', target: { kind: 'session', id, name: user.username } },
      result: undefined,
    };
  });

/** Ends all sessions of the actor but the one that they use. @throws {StaleSessionError} */
export const endOtherSessions = (db: Database, actor: Actor) =>
  applyChange(db, actor, () => {
    requireFreshSession(actor);
    const user = userOf(actor);
    const own = actor.credential?.kind === 'session' ? actor.credential.key : '';
    return {
      locks: [lockActor(db, actor)],
      writes: [db.sessions.endOthersOf(user.id, own)],
      event: { event: 'sessions-ended', target: userTarget(user) },
      result: undefined,
    };
  });

/**
 * Ends all sessions of a user, also that of the actor if it is theirs.
 * @throws {NotFoundError} @throws {MissingPermissionError} @throws {StaleSessionError}
 */
export const endSessionsOf = (db: Database, actor: Actor, userId: string) =>
  applyChange(db, actor, async () => {
    requireFreshSession(actor);
    const user = await requireUser(db, userId);
    const { locks, conditions } = await authorityOver(db, actor, userId);
    return {
      locks,
      conditions: [...holds(db, actor, WRITE_SESSIONS), ...conditions],
      writes: [db.sessions.endAllOf(userId)],
      event: { event: 'sessions-ended', target: userTarget(user) },
      result: undefined,
    };
  });
