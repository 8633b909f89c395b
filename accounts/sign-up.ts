/** The rule for signing up, where that is open to anybody. */
import type { Database } from '../db/database.ts';
import { makeId } from '../db/ids.ts';
import type { Actor } from './actor.ts';
import { type Bound, countByNetwork } from './attempts.ts';
import { userTarget } from './audit.ts';
import { applyChange } from './change.ts';
import { rememberNetwork } from './known-networks.ts';
import type { PasswordHashing } from './password-rules.ts';
import { tellAllTaken } from './taken.ts';

/** How many accounts a network may try to make. */
const SIGN_UPS: Bound = { name: 'sign-up', limit: 10, window: 15 * 60 * 1000 };

interface SignUp {
  username: string;
  name: string;
  email: string | null;
  password: string;
}

/**
 * Makes an account for whoever asks. Their address is pending, whether or not another user has it: the answer must not tell.
 * @throws {TooManyAttemptsError} @throws {WeakPasswordError} @throws {TakenError} for the username.
 */
export async function signUp(
  db: Database,
  hashing: PasswordHashing,
  actor: Actor,
  { password, username, name, email }: SignUp,
) {
  await countByNetwork(db, actor, SIGN_UPS);
  const passwordHash = await hashing.hashNew(password, { username, email });
  const change = applyChange(db, actor, async () => {
    const [id, now] = [makeId(), Date.now()];
    const fields = { username, name, email: null, pendingEmail: email, active: true };
    const user = { id, username };
    const passwordSetter = { by: 'self', userId: null } as const;
    return {
      writes: [
        db.users.add({ id, ...fields, passwordHash, passwordSetter }, now),
        await rememberNetwork(db, actor, id),
      ],
      event: { event: 'signed-up', actor: user, via: 'sign-up', target: userTarget(user), after: fields },
      result: { id, ...fields, version: 1, createdAt: now, updatedAt: now, lastSignInAt: null },
    };
  });
  return tellAllTaken(db, change, { username });
}
