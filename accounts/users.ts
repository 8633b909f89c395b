/** The rules for users: who may make, change, disable and delete them, and what goes with them. */
import type { Database } from '../db/database.ts';
import { makeId } from '../db/ids.ts';
import { type PasswordSetter, setterValues, type UserDetailRow } from '../db/queries/users.ts';
import { type Actor, isOperator, isSelf, userOf } from './actor.ts';
import { keepAdministrator } from './administrators.ts';
import { differences, isNothing, userTarget } from './audit.ts';
import {
  authorityOver,
  hasPermission,
  holds,
  refuseOwnAccount,
  requireFreshSession,
  requirePermissions,
  WRITE_USERS,
} from './authorization.ts';
import { applyChange, type Change, lockUser } from './change.ts';
import { INVITATION_LIFETIME, type IssuedCode, newCode } from './codes.ts';
import { ForbiddenFieldsError } from './errors.ts';
import { anyVersion, requireUser, type VersionMatch } from './find.ts';
import { tellAllTaken } from './taken.ts';

/** What users may change of themselves without a permission. */
const OWN_FIELDS = ['name', 'email'];

export interface UserFields {
  username: string;
  name: string;
  email: string | null;
  active: boolean;
}

export interface NewUser extends UserFields {
  /** Null when the user sets the password with a one-time code. */
  passwordHash: string | null;
}

export interface CreatedUser {
  user: UserDetailRow;
  /** Shown once; only for a user without a password. */
  code?: IssuedCode;
}

/** Makes a user. @throws {MissingPermissionError} @throws {StaleSessionError} @throws {TakenError} */
export const createUser = (db: Database, actor: Actor, user: NewUser) =>
  tellAllTaken(
    db,
    applyChange(db, actor, () => userCreation(db, actor, user)),
    user,
  );

/** @returns the change that makes a user, to be applied by itself or together with another one. */
export function userCreation(
  db: Database,
  actor: Actor,
  { passwordHash, ...fields }: NewUser,
): Change<CreatedUser> {
  requireFreshSession(actor);
  const [id, now] = [makeId(), Date.now()];
  const setter = passwordHash === null ? undefined : setterOf(actor);
  const code = passwordHash === null ? newCode(db, actor, id, INVITATION_LIFETIME) : undefined;
  return {
    locks: code?.locks ?? [],
    conditions: holds(db, actor, WRITE_USERS),
    writes: [
      db.users.add({ id, ...fields, passwordHash, ...(setter ? { passwordSetter: setter } : {}) }, now),
      ...(code?.writes ?? []),
    ],
    event: { event: 'user-created', target: userTarget({ id, ...fields }), after: { ...fields } },
    result: {
      user: {
        id,
        ...fields,
        pendingEmail: null,
        ...setterValues(setter, now),
        version: 1,
        createdAt: now,
        updatedAt: now,
        lastSignInAt: null,
      },
      ...(code ? { code: code.issued } : {}),
    },
  };
}

/** @returns how the actor, who is another, sets a user's password. */
function setterOf(actor: Actor): PasswordSetter {
  return isOperator(actor) ? { by: 'operator', userId: null } : { by: 'user', userId: userOf(actor).id };
}

/**
 * For a guard, which refuses early when the actor may change nothing of that user.
 * @throws {MissingPermissionError} @throws {SessionRequiredError}
 */
export function requireMayChangeUser(actor: Actor, id: string): void {
  refuseOwnAccount(actor, id);
  if (!isSelf(actor, id)) requirePermissions(actor, WRITE_USERS);
}

/**
 * Changes a user; a change to what is so already writes nothing. The address that users without a permission give themselves is
 * pending: nothing is decided by it until somebody with authority over them sends the same one. Disabling ends their sessions, and the
 * codes that they issued.
 * @throws {NotFoundError} @throws {StaleVersionError} @throws {TakenError} @throws {LastAdministratorError}
 * @throws {MissingPermissionError} @throws {ForbiddenFieldsError} @throws {StaleSessionError} @throws {SessionRequiredError}
 */
export const changeUser = (
  db: Database,
  actor: Actor,
  id: string,
  changes: Partial<UserFields>,
  matches: VersionMatch = anyVersion,
) => tellAllTaken(db, applyUserChange(db, actor, id, changes, matches), changes, id);

const applyUserChange = (
  db: Database,
  actor: Actor,
  id: string,
  changes: Partial<UserFields>,
  matches: VersionMatch,
) =>
  applyChange(db, actor, async () => {
    refuseOwnAccount(actor, id);
    const foreign = Object.keys(changes).filter((field) => !OWN_FIELDS.includes(field));
    const decides = hasPermission(actor, WRITE_USERS);
    if (isSelf(actor, id) && foreign.length > 0 && !decides)
      throw new ForbiddenFieldsError(foreign, OWN_FIELDS, WRITE_USERS);
    const ownOnly = isSelf(actor, id) && foreign.length === 0 && !(changes.email && decides);
    // Everything but the name is what the user signs in with, or whether they can.
    const sensitive = Object.keys(changes).some((field) => field !== 'name');
    if (sensitive) requireFreshSession(actor);
    // One's own row first: MySQL would find the actor's condition and this write in a deadlock with themselves.
    const own = { locks: actor.user?.id === id ? [lockUser(db, id)] : [], conditions: [] };
    const authority = sensitive ? await authorityOver(db, actor, id) : own;
    const conditions = [...(ownOnly ? [] : holds(db, actor, WRITE_USERS)), ...authority.conditions];
    const row = await requireUser(db, id, matches);
    const applied = { ...changes, ...addressChange(row, changes.email, decides) };
    const changed = differences({ ...row }, applied);
    // Who may not change it is not told that nothing would change.
    if (isNothing(changed)) return { conditions, writes: [], event: [], result: row };
    const disables = changes.active === false;
    const now = Date.now();
    const user = { ...row, ...applied };
    return {
      locks: [...authority.locks, ...(disables ? [keepAdministrator(db)] : [])],
      conditions,
      writes: [
        db.users.change(user, now),
        ...(disables ? [db.sessions.endAllOf(id), db.codes.removeIssuedBy(id)] : []),
      ],
      event: { event: 'user-changed', target: userTarget(row), ...changed },
      result: { ...user, version: row.version + 1, updatedAt: now },
    };
  });

/** @returns what a change of the address makes of it. @param decides whether it needs nobody else to confirm it. */
function addressChange(row: UserDetailRow, email: string | null | undefined, decides: boolean) {
  if (email === undefined) return {};
  // Whoever decides answers what is pending, with the same address or another one; users take theirs back.
  if (decides || email === null || email === row.email) return { email, pendingEmail: null };
  return { email: row.email, pendingEmail: email };
}

/**
 * Removes a user with their sessions, tokens and memberships, and the codes that they issued.
 * @throws {NotFoundError} @throws {StaleVersionError} @throws {LastAdministratorError} @throws {MissingPermissionError}
 * @throws {StaleSessionError} @throws {SessionRequiredError}
 */
export const deleteUser = (db: Database, actor: Actor, id: string, matches: VersionMatch = anyVersion) =>
  applyChange(db, actor, async () => {
    refuseOwnAccount(actor, id);
    // As for disabling, which does less.
    requireFreshSession(actor);
    const { locks, conditions } = await authorityOver(db, actor, id);
    const row = await requireUser(db, id, matches);
    const { username, name, email, pendingEmail, active } = row;
    const before = { username, name, email, pendingEmail, active };
    return {
      locks: [...locks, keepAdministrator(db)],
      conditions: [...holds(db, actor, WRITE_USERS), ...conditions],
      writes: [db.codes.removeIssuedBy(id), db.users.remove(row)],
      event: { event: 'user-deleted', target: userTarget(row), before },
      result: row,
    };
  });
