/**
 * A small model of docs/authorization.md: who is who, who holds what, and which codes work. It stands beside the service and
 * shares no rule with accounts/, so that a mistake in either of them shows as a difference.
 */

export type Role = 'member' | 'manager';

export interface ModelUser {
  id: string;
  username: string;
  name: string;
  email: string | null;
  active: boolean;
  /** Null while there is none: then the user can't sign in. */
  password: string | null;
}

export interface ModelGroup {
  id: string;
  name: string;
  permissions: string[];
  members: Map<string, Role>;
}

export interface ModelCode {
  userId: string;
  /** Null for the operator. The token is the one by which a user issued the code. */
  issuer: { id: string; tokenId: string | null } | null;
}

/** Everything that is so at a moment. A plain value, so that a change can be tried on a copy. */
export interface World {
  users: Map<string, ModelUser>;
  groups: Map<string, ModelGroup>;
  /** By cookie. */
  sessions: Map<string, { id: string; userId: string; fresh: boolean }>;
  /** By secret. */
  tokens: Map<string, { id: string; userId: string; scopes: string[] }>;
  /** By the code itself. */
  codes: Map<string, ModelCode>;
  /** How many wrong passwords were given for a name. */
  attempts: Map<string, number>;
}

/** What a request carries: a cookie, a token, both or neither. */
export interface Caller {
  cookie: string | null;
  bearer: string | null;
}

/** What an answer has made or shown. Empty where it has not. */
export interface Made {
  id: string;
  code: string;
  secret: string;
  cookie: string;
  sessionId: string;
}

/** What the service must answer, what the answer must show, and what is so afterwards. */
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

/** @returns what the user holds: the permissions of all of their groups. */
export function heldBy(world: World, userId: string): string[] {
  const own = [...world.groups.values()].filter(({ members }) => members.has(userId));
  return [...new Set(own.flatMap(({ permissions }) => permissions))].sort();
}

export interface Who {
  user: ModelUser;
  held: string[];
  /** Null for a session, which acts with all that its user holds. */
  scopes: string[] | null;
  fresh: boolean;
}

/** @returns who the caller is, undefined for an anonymous one. A living session counts before a token. */
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

/** @returns whether they may use all of the permissions: their user holds them, and a token has them as its scopes. */
export function may({ held, scopes }: Pick<Who, 'held' | 'scopes'>, ...permissions: string[]): boolean {
  return permissions.every(
    (permission) => includes(held, permission) && (scopes === null || includes(scopes, permission)),
  );
}

/** @returns whether they act as that user themselves: a token acts for its owner, but is not them. */
export const isSelf = ({ user, scopes }: Who, userId: string): boolean =>
  scopes === null && user.id === userId;

/** @returns whether they are that user, or hold all that the user holds; a token has no authority over its owner. */
export function hasAuthorityOver(world: World, who: Who, userId: string): boolean {
  if (who.user.id === userId) return who.scopes === null;
  return may(who, ...heldBy(world, userId));
}

/** A session must be fresh for what could hand over an account; a token is not asked. */
export const isStale = ({ scopes, fresh }: Who): boolean => scopes === null && !fresh;

/** @returns whether a code works: its issuer may still issue it, with the token that they used. */
export function codeWorks(world: World, text: string): boolean {
  const code = world.codes.get(text);
  if (!code) return false;
  if (code.issuer === null) return true;
  const { id, tokenId } = code.issuer;
  const issuer = world.users.get(id);
  const token = [...world.tokens.values()].find((each) => each.id === tokenId);
  if (!issuer?.active || (tokenId !== null && !token)) return false;
  const scopes = token?.scopes ?? null;
  return may({ held: heldBy(world, id), scopes }, 'users:write', ...heldBy(world, code.userId));
}

/** @returns whether a user who can sign in, being active and having a password, holds every permission. */
export function hasAdministrator(world: World): boolean {
  return [...world.users.values()].some(
    ({ id, active, password }) => active && password !== null && heldBy(world, id).includes(EVERYTHING),
  );
}

/** @returns that verdict, or 409 where its change would lose the last user who can sign in and holds every permission. */
export function keepingAdministrator(world: World, verdict: Verdict): Verdict {
  const after = structuredClone(world);
  verdict.apply?.(after, NOTHING_MADE);
  return hasAdministrator(world) && !hasAdministrator(after) ? refuse(409) : verdict;
}

/** Removes the entries that are to go. */
export function drop<Key, Value>(map: Map<Key, Value>, goes: (value: Value, key: Key) => boolean): void {
  for (const [key, value] of map) if (goes(value, key)) map.delete(key);
}
