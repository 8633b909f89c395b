/** The model's rules for users, one-time codes and the directory. See model.ts. */
import {
  type Caller,
  codeWorks,
  drop,
  hasAuthorityOver,
  isSelf,
  isStale,
  keepingAdministrator,
  type ModelUser,
  may,
  refuse,
  type Verdict,
  type Who,
  type World,
  whoIs,
} from './model.ts';

export interface NewModelUser {
  username: string;
  email?: string;
  password?: string;
}

export type UserChange = Partial<Pick<ModelUser, 'username' | 'name' | 'email' | 'active'>>;

const isTaken = (
  world: World,
  { username, email }: { username?: string; email?: string | null },
  exceptId = '',
) =>
  [...world.users.values()].some(
    (user) => user.id !== exceptId && (user.username === username || (!!user.email && user.email === email)),
  );

/** @returns the issuer of a code: the user, and the token if the caller uses one. */
function issuerOf(world: World, who: Who, { bearer }: Caller) {
  const tokenId = who.scopes === null ? null : (world.tokens.get(bearer ?? '')?.id ?? null);
  return { id: who.user.id, tokenId };
}

export function createUser(world: World, caller: Caller, made: NewModelUser): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  if (!may(who, 'users:write') || isStale(who)) return refuse(403);
  if (isTaken(world, made)) return refuse(409);
  const { username, email = null, password = null } = made;
  const issuer = issuerOf(world, who, caller);
  return {
    status: 201,
    apply: ({ users, codes }, { id, code }) => {
      users.set(id, { id, username, name: '', email, pendingEmail: null, active: true, password });
      if (password === null) codes.set(code, { userId: id, issuer });
    },
  };
}

export function changeUser(world: World, caller: Caller, id: string, changes: UserChange): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  if (who.scopes !== null && who.user.id === id) return refuse(403);
  const ownFields = Object.keys(changes).every((field) => field === 'name' || field === 'email');
  if (!may(who, 'users:write') && !(isSelf(who, id) && ownFields)) return refuse(403);
  const onlyName = Object.keys(changes).every((field) => field === 'name');
  if (!onlyName && isStale(who)) return refuse(403);
  const user = world.users.get(id);
  if (!user) return refuse(404);
  if (!onlyName && !hasAuthorityOver(world, who, id)) return refuse(403);
  const isPending = typeof changes.email === 'string' && !may(who, 'users:write');
  if (!isPending && isTaken(world, changes, id)) return refuse(409);
  const changed = { ...user, ...changes };
  if (changes.email !== undefined) changed.pendingEmail = null;
  if (isPending) {
    changed.email = user.email;
    changed.pendingEmail = changes.email === user.email ? null : (changes.email ?? null);
  }
  const apply = (after: World) => {
    after.users.set(id, changed);
    if (changes.active !== false) return;
    drop(after.sessions, ({ userId }) => userId === id);
    drop(after.codes, ({ issuer }) => issuer?.id === id);
  };
  return keepingAdministrator(world, { status: 200, content: shownTo(who, changed), apply });
}

export function deleteUser(world: World, caller: Caller, id: string): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  if (!may(who, 'users:write') || isStale(who)) return refuse(403);
  if (!world.users.has(id)) return refuse(404);
  if (!hasAuthorityOver(world, who, id)) return refuse(403);
  const isTheirs = ({ userId }: { userId: string }) => userId === id;
  const apply = (after: World) => {
    after.users.delete(id);
    drop(after.sessions, isTheirs);
    drop(after.tokens, isTheirs);
    drop(after.codes, ({ userId, issuer }) => userId === id || issuer?.id === id);
    for (const { members } of after.groups.values()) members.delete(id);
  };
  return keepingAdministrator(world, { status: 204, apply });
}

export function issueCode(world: World, caller: Caller, userId: string): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  if (!may(who, 'users:write') || who.user.id === userId || isStale(who)) return refuse(403);
  if (!world.users.has(userId)) return refuse(404);
  if (!hasAuthorityOver(world, who, userId)) return refuse(403);
  const issuer = issuerOf(world, who, caller);
  return { status: 201, apply: (after, { code }) => putCode(after, code, userId, issuer) };
}

/** Gives the user a code. It replaces an earlier one, because a user has at most one. */
export function putCode(
  world: World,
  code: string,
  userId: string,
  issuer: ReturnType<typeof issuerOf> | null,
) {
  drop(world.codes, (each) => each.userId === userId);
  world.codes.set(code, { userId, issuer });
}

export function useCode(world: World, code: string, password: string): Verdict {
  const user = world.users.get(world.codes.get(code)?.userId ?? '');
  if (!user || !codeWorks(world, code)) return refuse(400);
  return {
    status: 204,
    apply: (after) => {
      after.users.set(user.id, { ...user, password });
      after.codes.delete(code);
      after.attempts.delete(user.username);
      drop(after.sessions, ({ userId }) => userId === user.id);
      drop(after.tokens, ({ userId }) => userId === user.id);
    },
  };
}

/** @returns what the caller sees of the user. */
function shownTo(who: Who, { id, username, name, email, pendingEmail, active }: ModelUser) {
  const seesPending = isSelf(who, id) || may(who, 'users:write');
  const seesPrivate = seesPending || may(who, 'users:read-private');
  return {
    ...{ id, username, name, active },
    ...(seesPrivate ? { email } : {}),
    ...(seesPending ? { pendingEmail } : {}),
    tellsLastSignIn: seesPrivate,
  };
}

export function readUser(world: World, caller: Caller, id: string): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  const user = world.users.get(id);
  return user ? { status: 200, content: shownTo(who, user) } : refuse(404);
}

export function listUsers(world: World, caller: Caller): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  return {
    status: 200,
    content: [...world.users.values()].map((user) => shownTo(who, user)).sort(byId),
  };
}

export const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);

/** @returns only `*` when the permissions contain it, because it includes all others. */
export const concise = (permissions: string[]) =>
  permissions.includes('*') ? ['*'] : permissions.toSorted();

export function whoami(world: World, caller: Caller): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  const asked = [...new Set([...who.held, ...(who.scopes ?? [])])];
  const permissions = concise(asked.filter((permission) => may(who, permission)));
  const { user, scopes, fresh } = who;
  return {
    status: 200,
    content: { id: user.id, via: scopes === null ? 'session' : 'token', fresh, permissions },
  };
}

/** The check for proxies. A token belongs to no group. */
export function check(
  world: World,
  caller: Caller,
  group: string | null,
  permission: string | null,
): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  if (permission !== null && !may(who, permission)) return refuse(403);
  const found = [...world.groups.values()].find(({ name }) => name === group);
  if (group !== null && !(who.scopes === null && found?.members.has(who.user.id))) return refuse(403);
  return { status: 204 };
}

/** Reading the audit trail requires only its permission. Other tests check its content. */
export function readAudit(world: World, caller: Caller): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  return { status: may(who, 'audit:read') ? 200 : 403 };
}
