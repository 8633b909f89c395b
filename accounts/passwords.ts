/** The rules for passwords: confirming and changing one's own. Administrators issue codes instead (codes.ts). */
import type { Database } from '../db/database.ts';
import { type Actor, isOperator, userOf } from './actor.ts';
import { userTarget } from './audit.ts';
import { requireFreshSession } from './authorization.ts';
import { applyChange, lockActor } from './change.ts';
import {
  ConflictError,
  OwnPasswordError,
  SessionRequiredError,
  UnauthenticatedError,
  WrongPasswordError,
} from './errors.ts';
import { requireUser } from './find.ts';
import type { PasswordHashing } from './password-rules.ts';
import type { Hashing } from './passwords/hashing.ts';
import { recordRefusal } from './refusals.ts';
import { countAttempt, countFailure, forgetAttempts } from './throttle.ts';

/**
 * Makes the actor's session fresh again. It goes on under another key, as after signing in: whoever has the old cookie gains nothing.
 * @param newKey the key under which the session goes on.
 * @throws {WrongPasswordError} @throws {TooManyAttemptsError}
 * @throws {UnauthenticatedError} when the session ended meanwhile, or goes on under another key.
 */
export async function confirmPassword(
  db: Database,
  hashing: Hashing,
  actor: Actor,
  { password, newKey }: { password: string; newKey: string },
): Promise<void> {
  await verifyOwnPassword(db, hashing, actor, password, false);
  await applyChange(db, actor, () => ({
    locks: [lockActor(db, actor)],
    writes: [
      db.sessions.renew(ownSessionKey(actor), newKey, Date.now()),
      forgetAttempts(db, actor, userOf(actor).username),
    ],
    event: { event: 'confirmed', target: userTarget(userOf(actor)) },
    result: undefined,
  }));
}

/**
 * Changes the actor's password. Their other sessions end, and this one goes on under another key.
 * @param newKey the key under which the session goes on.
 * @throws {OwnPasswordError} when it is another user's. @throws {StaleSessionError} @throws {WrongPasswordError}
 * @throws {TooManyAttemptsError} @throws {WeakPasswordError} @throws {ConflictError} when it was changed meanwhile.
 */
export async function changePassword(
  db: Database,
  hashing: PasswordHashing,
  actor: Actor,
  userId: string,
  { current, password, newKey }: { current: string; password: string; newKey: string },
): Promise<void> {
  if (userOf(actor).id !== userId) throw new OwnPasswordError(false);
  requireFreshSession(actor);
  const owner = (await db.users.find(userId)) ?? { ...userOf(actor), email: null };
  // Before an attempt is counted: a weak new password is no guess at the current one.
  await hashing.checkNew(password, owner);
  const oldHash = await verifyOwnPassword(db, hashing, actor, current, true);
  const passwordHash = await hashing.hash(password);
  const changedMeanwhile = () =>
    new ConflictError(
      'The password was changed, or this session was ended, while you did this. Sign in and try again.',
    );
  const change = applyChange(db, actor, () => {
    const now = Date.now();
    const user = userOf(actor);
    const key = ownSessionKey(actor);
    const step = db.users.changePassword({ id: userId, oldHash, passwordHash }, now);
    return {
      locks: [lockActor(db, actor)],
      conditions: [{ step, error: changedMeanwhile }],
      writes: [
        db.sessions.endOthersOf(userId, key),
        db.sessions.renew(key, newKey, now),
        db.codes.removeAllOf(userId),
        forgetAttempts(db, actor, user.username),
      ],
      event: { event: 'password-changed', target: userTarget(user) },
      result: undefined,
    };
  });
  await change.catch((error) => {
    throw error instanceof UnauthenticatedError ? changedMeanwhile() : error;
  });
}

/** Sets the password of a user, for the operator. Their sessions and codes end, and what follows (see follow-ups.ts). @throws {NotFoundError} @throws {OwnPasswordError} for anybody else */
export const setPassword = (db: Database, actor: Actor, userId: string, passwordHash: string) =>
  applyChange(db, actor, async () => {
    if (!isOperator(actor)) throw new OwnPasswordError(false);
    const user = await requireUser(db, userId);
    return {
      writes: [
        db.users.setPassword(userId, passwordHash, { by: 'operator', userId: null }, Date.now()),
        db.sessions.endAllOf(userId),
        db.codes.removeAllOf(userId),
      ],
      event: { event: 'password-reset', target: userTarget(user) },
      result: undefined,
    };
  });

/** @returns the hash of the actor's password. @throws {WrongPasswordError} @throws {TooManyAttemptsError} */
async function verifyOwnPassword(
  db: Database,
  hashing: Hashing,
  actor: Actor,
  password: string,
  changing: boolean,
): Promise<string> {
  const user = userOf(actor);
  await countAttempt(db, actor, user.username);
  const passwordHash = await db.users.passwordHash(user.id);
  if ((await hashing.verify(passwordHash, password)) && passwordHash) return passwordHash;
  await countFailure(db, actor, user.username);
  await recordRefusal(db, actor, { event: 'confirm-refused', target: userTarget(user) });
  throw new WrongPasswordError(changing);
}

function ownSessionKey({ credential }: Actor): string {
  if (credential?.kind !== 'session') throw new SessionRequiredError();
  return credential.key;
}
