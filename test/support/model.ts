/**
 * A small model of docs/authorization.md: users, permissions, credentials and codes. It shares no code with accounts/, so a mistake
 * in one of them shows as a difference.
 */

export type Role = 'member' | 'manager';

export interface ModelUser {
  id: string;
  username: string;
  name: string;
  email: string | null;
  /** The address that users without users:write give themselves. Nothing depends on it. */
  pendingEmail: string | null;
  active: boolean;
  /** Null when the user has no password and so can't sign in. */
  password: string | null;
}

export interface ModelGroup {
  id: string;
  name: string;
  permissions: string[];
  members: Map<string, Role>;
}

interface ModelCode {
  userId: string;
  /** Null for the operator. `tokenId` is the token with which the user issued the code. */
  issuer: { id: string; tokenId: string | null } | null;
}

/** The whole state of the model. It is a plain value, so that a change can be tried on a copy. */
export interface World {
  users: Map<string, ModelUser>;
  groups: Map<string, ModelGroup>;
  /** By cookie. */
  sessions: Map<string, { id: string; userId: string; fresh: boolean }>;
  /** By secret. */
  tokens: Map<string, { id: string; userId: string; scopes: string[] }>;
  /** By the code itself. */
  codes: Map<string, ModelCode>;
  /** The number of wrong passwords by name. */
  attempts: Map<string, number>;
}

/** The credentials of a request: a cookie, a token, both or neither. */
export interface Caller {
  cookie: string | null;
  bearer: string | null;
}

/** The values that an answer created or returned; empty if there are none. */
export interface Made {
  id: string;
  code: string;
  secret: string;
  cookie: string;
  sessionId: string;
}

/** The expected status, the expected content, and the change of the state. */
export interface Verdict {
  status: number;
  content?: unknown;
  apply?: (world: World, made: Made) => void;
}

export const EVERYTHING = '*';
export const NOTHING_MADE: Made = { id: '', code: '', secret: '', cookie: '', sessionId: '' };

export const refuse = (status: number): Verdict => ({ status });

export function emptyWorld(): World {
  return {
    users: new Map(),
    groups: new Map(),
    sessions: new Map(),
    tokens: new Map(),
    codes: new Map(),
    attempts: new Map(),
  };
}

const includes = (held: string[], permission: string) =>
  held.includes(EVERYTHING) || held.includes(permission);

/** @returns the permissions of all groups of the user. */
export function heldBy(world: World, userId: string): string[] {
  const own = [...world.groups.values()].filter(({ members }) => members.has(userId));
  return [...new Set(own.flatMap(({ permissions }) => permissions))].sort();
}

export interface Who {
  user: ModelUser;
  held: string[];
  /** Null for a session, which has all permissions of its user. */
  scopes: string[] | null;
  fresh: boolean;
}

/** @returns the identity of the caller, undefined for an anonymous one. A valid session has precedence over a token. */
export function whoIs(world: World, { cookie, bearer }: Caller): Who | undefined {
  const session = world.sessions.get(cookie ?? '');
  const token = world.tokens.get(bearer ?? '');
  for (const credential of [session, token]) {
    const user = credential && world.users.get(credential.userId);
    if (!user?.active) continue;
    const held = heldBy(world, user.id);
    return credential === session
      ? { user, held, scopes: null, fresh: session?.fresh ?? false }
      : { user, held, scopes: token?.scopes ?? [], fresh: false };
  }
  return undefined;
}

/** @returns whether the caller has all of the permissions: the user holds them, and a token also has them as scopes. */
export function may({ held, scopes }: Pick<Who, 'held' | 'scopes'>, ...permissions: string[]): boolean {
  return permissions.every(
    (permission) => includes(held, permission) && (scopes === null || includes(scopes, permission)),
  );
}

/** @returns whether the caller is that user, by a session. A token acts for its owner but does not count as the owner. */
export const isSelf = ({ user, scopes }: Who, userId: string): boolean =>
  scopes === null && user.id === userId;

/** @returns whether the caller is that user or holds all of the user's permissions. A token has no authority over its owner. */
export function hasAuthorityOver(world: World, who: Who, userId: string): boolean {
  if (who.user.id === userId) return who.scopes === null;
  return may(who, ...heldBy(world, userId));
}

/** A session must be fresh for requests that could take over an account. This does not apply to tokens. */
export const isStale = ({ scopes, fresh }: Who): boolean => scopes === null && !fresh;

/** @returns whether a code works: its issuer may still issue it, with the same token if one was used. */
export function codeWorks(world: World, text: string): boolean {
  const code = world.codes.get(text);
  if (!code || !world.users.get(code.userId)?.active) return false;
  if (code.issuer === null) return true;
  const { id, tokenId } = code.issuer;
  const issuer = world.users.get(id);
  const token = [...world.tokens.values()].find((each) => each.id === tokenId);
  if (!issuer?.active || (tokenId !== null && !token)) return false;
  const scopes = token?.scopes ?? null;
  return may({ held: heldBy(world, id), scopes }, 'users:write', ...heldBy(world, code.userId));
}

/** @returns whether a user who is active and has a password holds every permission. */
function hasAdministrator(world: World): boolean {
  return [...world.users.values()].some(
    ({ id, active, password }) => active && password !== null && heldBy(world, id).includes(EVERYTHING),
  );
}

/** @returns the verdict, or 409 when its change would remove the last administrator. */
export function keepingAdministrator(world: World, verdict: Verdict): Verdict {
  const after = structuredClone(world);
  verdict.apply?.(after, NOTHING_MADE);
  return hasAdministrator(world) && !hasAdministrator(after) ? refuse(409) : verdict;
}

/** Removes the entries for which the function returns true. */
export function drop<Key, Value>(map: Map<Key, Value>, goes: (value: Value, key: Key) => boolean): void {
  for (const [key, value] of map) if (goes(value, key)) map.delete(key);
}
