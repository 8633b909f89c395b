/**
 * The rules for signing in and out. Whether a user is unknown, disabled, without a password or mistaken, the work and the answer are
 * the same, so nobody finds out who has an account.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { Database } from '../db/database.ts';
import type { SessionRow } from '../db/queries/sessions.ts';
import type { UserRow } from '../db/queries/users.ts';
import type { Actor } from './actor.ts';
import { userTarget } from './audit.ts';
import { applyChange, recordEvent } from './change.ts';
import { WrongCredentialsError } from './errors.ts';
import type { Hashing } from './passwords/hashing.ts';
import type { Lifetimes } from './sessions.ts';
import { countAttempt, forgetAttempts } from './throttle.ts';

/** A user whose password was right, with the hash that it was checked against. */
export interface VerifiedUser {
  id: string;
  username: string;
  passwordHash: string;
}

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
}

/** @returns the user whose password it is. @throws {WrongCredentialsError} @throws {TooManyAttemptsError} */
export async function verifyCredentials(
  db: Database,
  hashing: Hashing,
  actor: Actor,
  { username: name, password }: { username: string; password: string },
): Promise<VerifiedUser> {
  await countAttempt(db, actor, name);
  const user = await db.users.findCredentials(name);
  const right = await hashing.verify(user?.passwordHash, password);
  if (right && user?.active && user.passwordHash) {
    const { id, username, passwordHash } = user;
    return { id, username, passwordHash };
  }
  return refuseSignIn(db, actor, user);
}

/**
 * Starts a session.
 * @throws {WrongCredentialsError} when the user was disabled, removed or given another password since the check.
 */
export const startSession = (
  db: Database,
  actor: Actor,
  key: string,
  { passwordHash, ...user }: VerifiedUser,
  { name, remember }: NewSession,
  lifetimes: Lifetimes,
) =>
  applyChange(db, actor, async () => {
    const row = await db.users.find(user.id);
    if (!row) return refuseSignIn(db, actor, user);
    const now = Date.now();
    const endsAt = now + (remember ? lifetimes.remember : lifetimes.lifetime) * 1000;
    const expiresAt = remember ? endsAt : Math.min(now + lifetimes.idle * 1000, endsAt);
    const id = randomUUIDv7();
    const { address, userAgent } = actor;
    const session = { id, expiresAt, endsAt, remembered: remember, address, userAgent };
    return {
      conditions: [
        { step: db.users.signIn(user.id, passwordHash, now), error: () => refuseSignIn(db, actor, user) },
      ],
      writes: [db.sessions.add({ key, userId: user.id, now, ...session }), forgetAttempts(db, actor, name)],
      event: { event: 'signed-in', actor: user, via: 'password', target: userTarget(user) },
      result: {
        session: { id, createdAt: now, lastSeenAt: now, expiresAt, endsAt },
        user: { ...row, lastSignInAt: now },
      },
    };
  });

/** Ends the session and notes that its user signed out. */
export const signOut = (db: Database, actor: Actor, session: SessionRow) =>
  applyChange(db, actor, () => {
    const user = { id: session.userId, username: session.username };
    return {
      writes: [db.sessions.end(session.key)],
      event: {
        event: 'signed-out',
        actor: user,
        via: 'session',
        target: { kind: 'session', id: session.id, name: user.username },
      },
      result: undefined,
    };
  });

/** Notes a sign-in that failed, as that of a user if there is one. @throws {WrongCredentialsError} always */
async function refuseSignIn(
  db: Database,
  actor: Actor,
  user: { id: string; username: string } | undefined,
): Promise<never> {
  await recordEvent(db, actor, { event: 'sign-in-refused', target: user ? userTarget(user) : null });
  throw new WrongCredentialsError();
}
