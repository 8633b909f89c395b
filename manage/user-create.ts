/** manage user create: makes a user, the first administrator among them. */
import { randomUUIDv7 } from 'node:crypto';
import type { Database } from '../db/database.ts';
import { editPersistently } from '../db/edit.ts';
import { DuplicateError, type Write } from '../db/engine.ts';
import { type Target, targetOf } from '../db/queries/audit.ts';
import type { GroupRow } from '../db/queries/groups.ts';
import { EVERYTHING } from '../db/queries/permissions.ts';
import { makeHashing } from '../plugins/hashing.ts';
import { INVITATION_LIFETIME, issueCode } from '../routes/api/users/codes.ts';
import { DisplayName, Email, Username } from '../schemas/users.ts';
import { carryOut, entry, insist } from './changes.ts';
import { check, print, printSecret } from './context.ts';
import { putMember } from './groups.ts';
import { readPassword } from './password.ts';

/** The group that administrators belong to. */
export const ADMINISTRATORS = 'admins';

export interface NewUser {
  username: string;
  admin: boolean;
  name: string;
  email: string | null;
  /** Whether they get a one-time code, with which they set the password. */
  code: boolean;
  /** Whether the password is on standard input. */
  passwordStdin: boolean;
}

/** @throws when a field is not as the API wants it. */
export function checkUser({ username, name, email }: NewUser): void {
  check('name', Username, username);
  check('display name', DisplayName, name);
  if (email !== null) check('e-mail address', Email, email);
}

/** Makes the user wholly or not at all. @throws when there is one of that name or e-mail address already. */
export async function createUser(db: Database, user: NewUser): Promise<void> {
  const { username, name, email, admin } = user;
  // Before anybody is asked for a password in vain.
  if (await db.users.findCredentials(username)) throw nameTaken(username);
  if (email !== null && (await db.users.findCredentials(email))) throw emailTaken(email);
  const passwordHash = user.code
    ? null
    : await (await makeHashing()).hash(await readPassword(user.passwordStdin));
  const fields = { username, name, email, active: true };
  const id = randomUUIDv7();
  const invitation = user.code ? issueCode(db, id, null, INVITATION_LIFETIME) : undefined;
  const target = targetOf({ id, username });
  const writes = [
    db.users.add({ id, ...fields, passwordHash }, Date.now()),
    ...(invitation?.writes ?? []),
    entry(db, { event: 'user-created', target, after: fields }),
  ];
  try {
    await (admin ? insist(addAdministrator(db, target, writes)) : carryOut(db, writes));
  } catch (error) {
    if (!(error instanceof DuplicateError)) throw error;
    throw error.index === 'users_email_key' ? emailTaken(email ?? '') : nameTaken(username);
  }
  const done = `created ${username}${admin ? ', an administrator' : ''} (${id})`;
  if (!invitation) return print(done);
  const { code, expiresAt } = invitation.shown;
  printSecret(code, `${done}; the code to set the password with, until ${expiresAt}:`);
}

/**
 * Carries out the writes that make the user, and makes them an administrator; and the group if there is none.
 * @returns whether that took effect.
 */
function addAdministrator(db: Database, user: Target, writes: Write[]): Promise<boolean> {
  return editPersistently(
    () => db.groups.findByName(ADMINISTRATORS),
    async (group) => {
      try {
        return (await db.atomically([...writes, ...administrator(db, user, group)])) === undefined;
      } catch (error) {
        // Another one made the group at the same moment; then it is there the next time.
        if (error instanceof DuplicateError && error.index === 'groups_name') return false;
        throw error;
      }
    },
  );
}

/** @returns the writes that put the user into the group, which is made when there is none. */
function administrator(db: Database, user: Target, group: GroupRow | undefined): Write[] {
  if (group && !group.permissions.includes(EVERYTHING)) {
    throw new Error(
      `The group ${ADMINISTRATORS} exists, but does not carry every permission (${EVERYTHING}).`,
    );
  }
  const now = Date.now();
  const groupId = group?.id ?? randomUUIDv7();
  const made = { name: ADMINISTRATORS, title: 'Administrators', permissions: [EVERYTHING] };
  const target: Target = { kind: 'group', id: groupId, name: ADMINISTRATORS };
  return [
    ...(group
      ? []
      : [
          ...db.groups.add({ id: groupId, ...made }, now),
          entry(db, { event: 'group-created', target, after: made }),
        ]),
    ...putMember(db, { id: groupId, name: ADMINISTRATORS }, user, 'manager', undefined),
  ];
}

function nameTaken(username: string): Error {
  return new Error(`There is a user of the name ${username} already.`);
}

function emailTaken(email: string): Error {
  return new Error(`There is a user of the e-mail address ${email} already.`);
}
