/** The rule for signing up, where that is open to anybody. */
import { randomUUIDv7 } from 'node:crypto';
import type { Database } from '../db/database.ts';
import type { Actor } from './actor.ts';
import { userTarget } from './audit.ts';
import { applyChange } from './change.ts';

/** Makes an account for whoever asks. @throws {DuplicateError} */
export const signUp = (
  db: Database,
  actor: Actor,
  { passwordHash, ...fields }: { username: string; name: string; email: string | null; passwordHash: string },
) =>
  applyChange(db, actor, () => {
    const [id, now] = [randomUUIDv7(), Date.now()];
    const user = { id, ...fields, active: true };
    return {
      writes: [db.users.add({ ...user, passwordHash }, now)],
      event: {
        event: 'signed-up',
        actor: { id, username: user.username },
        via: 'sign-up',
        target: userTarget(user),
        after: { ...fields, active: true },
      },
      result: { ...user, version: 1, createdAt: now, updatedAt: now, lastSignInAt: null },
    };
  });
