/** The rule for signing in: whose password it is. The answer does not tell whether there is such a user. */
import type { Database } from '../db/database.ts';
import type { Actor } from './actor.ts';
import { userTarget } from './audit.ts';
import { WrongCredentialsError } from './errors.ts';
import { type Hashing, isOutdated } from './passwords/hashing.ts';
import { recordRefusal } from './refusals.ts';
import { countAttempt, countFailure } from './throttle.ts';

/** A user whose password was right, with the hash that it was checked against. */
export interface VerifiedUser {
  id: string;
  username: string;
  passwordHash: string;
}

/** @returns the user whose password it is. @throws {WrongCredentialsError} @throws {TooManyAttemptsError} */
export async function verifyCredentials(
  db: Database,
  hashing: Hashing,
  actor: Actor,
  credentials: { username: string; password: string },
): Promise<VerifiedUser> {
  await countAttempt(db, actor, credentials.username);
  return checkPassword(db, hashing, actor, credentials);
}

/** Replaces a hash of other parameters, for which only now the password is known. */
async function checkPassword(
  db: Database,
  hashing: Hashing,
  actor: Actor,
  credentials: { username: string; password: string },
): Promise<VerifiedUser> {
  const { username: name, password } = credentials;
  const user = await db.users.findCredentials(name);
  const right = await hashing.verify(user?.passwordHash, password);
  if (!right || !user?.active || !user.passwordHash) {
    await countFailure(db, actor, name);
    return refuseSignIn(db, actor, user);
  }
  const { id, username, passwordHash } = user;
  if (!isOutdated(passwordHash)) return { id, username, passwordHash };
  const renewed = await hashing.hash(password);
  const lost = await db.atomically([db.users.renewHash(id, passwordHash, renewed)]);
  // Another sign-in has replaced it first, or the password was changed.
  if (lost) return checkPassword(db, hashing, actor, credentials);
  return { id, username, passwordHash: renewed };
}

/** Notes a sign-in that failed, as that of a user if there is one. @throws {WrongCredentialsError} always */
export async function refuseSignIn(
  db: Database,
  actor: Actor,
  user: { id: string; username: string } | undefined,
): Promise<never> {
  await recordRefusal(db, actor, { event: 'sign-in-refused', target: user ? userTarget(user) : null });
  throw new WrongCredentialsError();
}
