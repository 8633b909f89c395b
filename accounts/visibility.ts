/** The rules for who sees which fields of a user. All other fields are for every signed-in user. */
import { type Actor, isSelf } from './actor.ts';
import { hasPermission, READ_PRIVATE, WRITE_GROUPS, WRITE_USERS } from './authorization.ts';

/** What a caller sees of a user beside what every signed-in user sees. */
export interface Visibility {
  /** The e-mail address, and when the user signed in last. */
  privateFields: boolean;
  /** The address that nobody has confirmed yet. */
  pendingEmail: boolean;
  /** Who set the password: for those who give rights, or could have set it. */
  passwordSetter: boolean;
}

/** What users see of themselves. */
export const OWN: Visibility = { privateFields: true, pendingEmail: true, passwordSetter: false };

/** @returns whether the actor sees the private fields of all users, and so may look for users by e-mail address. */
export function seesPrivateFields(actor: Actor): boolean {
  return hasPermission(actor, READ_PRIVATE) || hasPermission(actor, WRITE_USERS);
}

/** @returns what the actor sees of the user of an id. A delegated credential does not count as its user. */
export function visibilityFor(actor: Actor): (userId: string) => Visibility {
  const writesUsers = hasPermission(actor, WRITE_USERS);
  const ofOthers = {
    privateFields: seesPrivateFields(actor),
    pendingEmail: writesUsers,
    passwordSetter: writesUsers || hasPermission(actor, WRITE_GROUPS),
  };
  const ofOneself = { ...OWN, passwordSetter: ofOthers.passwordSetter };
  return (userId) => (isSelf(actor, userId) ? ofOneself : ofOthers);
}
