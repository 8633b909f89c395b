/**
 * Names and addresses that are taken. Unique indexes decide, but tell of the first one only, and who makes a user wants to know both.
 */
import type { Database } from '../db/database.ts';
import { DuplicateError } from '../db/engines/engine.ts';
import { TakenError, type UniqueField } from './errors.ts';

interface Names {
  username?: string;
  email?: string | null;
}

/** What each unique index is about. */
const FIELDS: Record<string, UniqueField> = {
  users_username_key: 'username',
  users_email_key: 'email',
  groups_name: 'name',
};

/** @returns those of the fields that another user has. @param ownId the user who may have them. */
export async function takenFields(
  db: Database,
  { username, email }: Names,
  ownId?: string,
): Promise<Exclude<UniqueField, 'name'>[]> {
  const holders = [
    { field: 'username' as const, holder: username ? await db.users.findCredentials(username) : undefined },
    { field: 'email' as const, holder: email ? await db.users.findCredentials(email) : undefined },
  ];
  return holders.flatMap(({ field, holder }) => (holder && holder.id !== ownId ? [field] : []));
}

/** Waits for a change that gives a user these names, or a group its name. @throws {TakenError} with all that are taken, when one is. */
export async function tellAllTaken<Result>(
  db: Database,
  change: Promise<Result>,
  names: Names = {},
  ownId?: string,
): Promise<Result> {
  try {
    return await change;
  } catch (error) {
    const field = error instanceof DuplicateError && FIELDS[error.index];
    if (!field) throw error;
    const taken = await takenFields(db, names, ownId);
    // The other user may be gone by now.
    throw new TakenError(taken.length > 0 ? taken : [field]);
  }
}
