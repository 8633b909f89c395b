/**
 * Who may do what: permissions, authority over other users, and fresh sessions. Each rule comes as a condition, which holds at the
 * moment of writing, and where a guard asks it before the request's body is read, as a function of what the caller held then.
 */
import { isFromFuture } from '../db/clock.ts';
import type { Database } from '../db/database.ts';
import { EVERYTHING } from '../db/queries/permissions.ts';
import { type Actor, isOperator, isSelf, userOf } from './actor.ts';
import { type Condition, lockGroups, lockUser, type RightsLock } from './change.ts';
import { MissingPermissionError, NotFoundError, SessionRequiredError, StaleSessionError } from './errors.ts';

/** The permissions that the rules ask for. A blueprint may ask for others. */
export const WRITE_USERS = 'users:write';
export const READ_PRIVATE = 'users:read-private';
export const WRITE_GROUPS = 'groups:write';
export const WRITE_SESSIONS = 'sessions:write';

/** For how long after the password was given a session is fresh, in milliseconds. */
const FRESH = 15 * 60 * 1000;

/** @returns what a credential with these scopes may do for a user who holds these permissions. */
export function withinScopes(scopes: readonly string[], held: readonly string[]): readonly string[] {
  if (held.includes(EVERYTHING)) return scopes.toSorted();
  return scopes.includes(EVERYTHING) ? held : scopes.filter((scope) => held.includes(scope)).sort();
}

/** @returns those of the permissions that are not among the held ones. */
export function lackingOf(held: readonly string[], permissions: readonly string[]): string[] {
  return held.includes(EVERYTHING) ? [] : permissions.filter((permission) => !held.includes(permission));
}

/** @returns whether the actor held the permission when the request began. */
export function hasPermission({ permissions }: Actor, permission: string): boolean {
  return lackingOf(permissions, [permission]).length === 0;
}

/** For guards, which refuse early. @throws {MissingPermissionError} */
export function requirePermissions({ permissions }: Actor, ...asked: string[]): void {
  const lacking = lackingOf(permissions, asked);
  if (lacking.length > 0) throw new MissingPermissionError(lacking);
}

/** @returns conditions that the actor holds the permissions, and that they are among the scopes of their credential. */
export function holds(db: Database, actor: Actor, ...permissions: string[]): Condition[] {
  if (isOperator(actor)) return [];
  // Refuses early what the actor did not hold when the request began, and what is not among the scopes.
  requirePermissions(actor, ...permissions);
  if (permissions.length === 0) return [];
  const error = () => new MissingPermissionError(permissions);
  return [{ step: db.permissions.holds(userOf(actor).id, permissions), error }];
}

/** @returns the condition that the actor manages the group, or holds groups:write. A delegated credential manages no group. */
export function managesGroup(db: Database, actor: Actor, groupId: string): Condition[] {
  if (isOperator(actor) || actor.credential?.kind === 'delegated') return holds(db, actor, WRITE_GROUPS);
  return [
    {
      step: db.memberships.managesOrHolds(userOf(actor).id, groupId, WRITE_GROUPS),
      error: () => new MissingPermissionError([WRITE_GROUPS]),
    },
  ];
}

/** A delegated credential changes nothing of its user's account. @throws {SessionRequiredError} */
export function refuseOwnAccount(actor: Actor, userId: string): void {
  if (actor.user?.id === userId && !isSelf(actor, userId)) throw new SessionRequiredError();
}

/**
 * The actor is that user, or holds all that the user holds: who signs in, and whether they may, is not decided by those who
 * hold less. Locks the user and their groups, since it relies on what the user holds. A delegated credential has it over its own
 * user, too, by its scopes alone (see refuseOwnAccount). @throws {NotFoundError}
 */
export async function authorityOver(
  db: Database,
  actor: Actor,
  userId: string,
): Promise<{ locks: RightsLock[]; conditions: Condition[] }> {
  if (isOperator(actor) || isSelf(actor, userId)) {
    const lock = { ...lockUser(db, userId), error: () => new NotFoundError('user') };
    return { locks: [lock], conditions: [] };
  }
  const { locks, permissions } = await lockRights(db, userId);
  return { locks, conditions: holds(db, actor, ...permissions) };
}

/**
 * For a change that relies on what the user holds. @throws {NotFoundError}
 * @returns what they hold, and locks of the user and all of their groups: by their versions, so that it is still so.
 */
export async function lockRights(
  db: Database,
  userId: string,
): Promise<{ locks: RightsLock[]; permissions: string[] }> {
  // Before the groups: a membership that comes or goes meanwhile gives the user another version.
  const version = await db.users.rightsVersion(userId);
  if (version === undefined) throw new NotFoundError('user');
  const rows = await db.memberships.rights(userId);
  const groups = new Map(rows.map((row) => [row.id, row]));
  return {
    locks: [
      { order: `1 ${userId}`, step: db.users.lockAt(userId, version) },
      ...lockGroups(db, [...groups.values()]),
    ],
    permissions: [...new Set(rows.flatMap(({ permission }) => permission ?? []))].sort(),
  };
}

/**
 * @returns whether the password of the actor's session was given of late. A delegated credential and the operator are not asked for one. A
 * user whom a request loader found without a credential, as by ?hack=1, gave none.
 */
export function isFresh({ kind, credential }: Pick<Actor, 'kind' | 'credential'>): boolean {
  if (!credential) return kind === 'operator';
  if (credential.kind === 'delegated') return true;
  const now = Date.now();
  return now - credential.confirmedAt < FRESH && !isFromFuture(credential.confirmedAt, now);
}

/** For changes by which an account, or what it may do, could be taken over. @throws {StaleSessionError} */
export function requireFreshSession(actor: Actor): void {
  if (!isFresh(actor)) throw new StaleSessionError();
}
