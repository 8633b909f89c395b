/**
 * Who may do what: permissions, authority over other users, and fresh sessions. Each rule comes as a condition, which holds at the
 * moment of writing, and where a guard asks it before the request's body is read, as a function of what the caller held then.
 */
import type { Database } from '../db/database.ts';
import { EVERYTHING } from '../db/queries/permissions.ts';
import { type Actor, isOperator, isSelf, userOf } from './actor.ts';
import { type Condition, type Guard, guardRights, guardUser } from './change.ts';
import { MissingPermissionError, SessionRequiredError, StaleSessionError } from './errors.ts';

/** The permissions that the rules ask for. A blueprint may ask for others. */
export const WRITE_USERS = 'users:write';
export const WRITE_GROUPS = 'groups:write';
export const WRITE_SESSIONS = 'sessions:write';

/** For how long after the password was given a session is fresh, in milliseconds. */
const FRESH = 15 * 60 * 1000;

/** @returns what a token with these scopes may do for an owner who holds these permissions. */
export function withinScopes(scopes: readonly string[], held: readonly string[]): readonly string[] {
  if (held.includes(EVERYTHING)) return scopes.toSorted();
  return scopes.includes(EVERYTHING) ? held : scopes.filter((scope) => held.includes(scope)).sort();
}

/** @returns those of the permissions that are not among the held ones. */
export function lackingOf(held: readonly string[], permissions: readonly string[]): string[] {
  return held.includes(EVERYTHING) ? [] : permissions.filter((permission) => !held.includes(permission));
}

/** For guards, which refuse early. @throws {MissingPermissionError} */
export function requirePermissions({ permissions }: Actor, ...asked: string[]): void {
  const lacking = lackingOf(permissions, asked);
  if (lacking.length > 0) throw new MissingPermissionError(lacking);
}

/** @returns conditions that the actor holds the permissions; for a token, that they are among its scopes as well. */
export function holds(db: Database, actor: Actor, ...permissions: string[]): Condition[] {
  if (isOperator(actor)) return [];
  const { user, credential } = actor;
  const lacking = credential?.kind === 'token' ? lackingOf(credential.scopes, permissions) : [];
  if (lacking.length > 0 || !user) throw new MissingPermissionError(lacking);
  if (permissions.length === 0) return [];
  return [{ step: db.permissions.holds(user.id, permissions), error: () => missing(actor, permissions) }];
}

/** @returns the condition that the actor manages the group, or holds groups:write. A token manages no group. */
export function managesGroup(db: Database, actor: Actor, groupId: string): Condition[] {
  if (isOperator(actor) || actor.credential?.kind === 'token') return holds(db, actor, WRITE_GROUPS);
  return [
    {
      step: db.memberships.managesOrHolds(userOf(actor).id, groupId, WRITE_GROUPS),
      error: () => new MissingPermissionError([WRITE_GROUPS]),
    },
  ];
}

/**
 * The actor is that user, or holds all that the user holds: who signs in, and whether they may, is not decided by those who
 * hold less. Guards the user and their groups, since it relies on what the user holds.
 * @throws {SessionRequiredError} when a token would change its own user.
 */
export async function authorityOver(
  db: Database,
  actor: Actor,
  userId: string,
): Promise<{ guards: Guard[]; conditions: Condition[] }> {
  if (isOperator(actor) || isSelf(actor, userId)) return { guards: [guardUser(db, userId)], conditions: [] };
  if (actor.user?.id === userId) throw new SessionRequiredError();
  const { guards, permissions } = await guardRights(db, userId);
  return { guards, conditions: holds(db, actor, ...permissions) };
}

/** @returns whether the password of the actor's session was given of late. Who has no session is not asked for one. */
export function isFresh({ credential }: Pick<Actor, 'credential'>): boolean {
  return credential?.kind !== 'session' || Date.now() - credential.confirmedAt < FRESH;
}

/** For changes by which an account, or what it may do, could be taken over. @throws {StaleSessionError} */
export function requireFreshSession(actor: Actor): void {
  if (!isFresh(actor)) throw new StaleSessionError();
}

/** Names what was lacking when the request began; all that was asked, when it was lost since. */
function missing({ permissions }: Actor, asked: readonly string[]): MissingPermissionError {
  const lacking = lackingOf(permissions, asked);
  return new MissingPermissionError(lacking.length > 0 ? lacking : asked);
}
