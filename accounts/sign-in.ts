/** The rule for signing in: whose password it is. The answer does not tell whether there is such a user. */
import type { Database } from '../db/database.ts';
import type { Actor } from './actor.ts';
import { userTarget } from './audit.ts';
import { recordEvent } from './change.ts';
import { WrongCredentialsError } from './errors.ts';
import type { Hashing } from './passwords/hashing.ts';
import { countAttempt } from './throttle.ts';

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

/** Notes a sign-in that failed, as that of a user if there is one. @throws {WrongCredentialsError} always */
export async function refuseSignIn(
  db: Database,
  actor: Actor,
  user: { id: string; username: string } | undefined,
): Promise<never> {
  await recordEvent(db, actor, { event: 'sign-in-refused', target: user ? userTarget(user) : null });
  throw new WrongCredentialsError();
}
