/** The model's rules for sign-in, sign-out, sessions, tokens and changing one's own password. See model.ts. */
import {
  type Caller,
  drop,
  heldBy,
  isStale,
  type ModelUser,
  may,
  refuse,
  type Verdict,
  type World,
  whoIs,
} from './model.ts';

/** How many wrong passwords are allowed for a name. The model has one network, and none of the other bounds (see model-run.ts). */
const LIMIT = 5;
/** The answer to a signed-in user who gives a wrong password. */
const WRONG_PASSWORD = 403;

/** @returns 429 after too many attempts, else the verdict. A wrong password is counted; a right one resets the count. */
function attempt(world: World, name: string, right: boolean, verdict: Verdict): Verdict {
  const count = world.attempts.get(name) ?? 0;
  if (count >= LIMIT) return refuse(429);
  return {
    ...verdict,
    apply: (after, made) => {
      if (right) after.attempts.delete(name);
      else after.attempts.set(name, count + 1);
      verdict.apply?.(after, made);
    },
  };
}

/** @param name a username or an e-mail address. */
export function signIn(world: World, name: string, password: string): Verdict {
  const user = [...world.users.values()].find(({ username, email }) => username === name || email === name);
  if (!user?.active || user.password !== password) return attempt(world, name, false, refuse(401));
  return attempt(world, name, true, {
    status: 200,
    content: user.id,
    apply: ({ sessions }, { cookie, sessionId }) =>
      sessions.set(cookie, { id: sessionId, userId: user.id, fresh: true }),
  });
}

/** Every caller may sign out. This ends the session, or without a valid one the token, unless its owner is disabled. */
export const signOut = (world: World, caller: Caller): Verdict => ({
  status: 204,
  apply: ({ sessions, tokens }) => {
    const who = whoIs(world, caller);
    if (who && who.scopes !== null) tokens.delete(caller.bearer ?? '');
    else sessions.delete(caller.cookie ?? '');
  },
});

export function confirm(world: World, caller: Caller, password: string): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  if (who.scopes !== null) return refuse(403);
  const { username, password: own } = who.user;
  if (password !== own) return attempt(world, username, false, refuse(WRONG_PASSWORD));
  return attempt(world, username, true, {
    status: 204,
    apply: ({ sessions }, { cookie }) => {
      const session = sessions.get(caller.cookie ?? '');
      sessions.delete(caller.cookie ?? '');
      if (session) sessions.set(cookie, { ...session, fresh: true });
    },
  });
}

export function changePassword(
  world: World,
  caller: Caller,
  userId: string,
  { current, password }: { current: string; password: string },
): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  if (who.scopes !== null || !who.fresh || who.user.id !== userId) return refuse(403);
  const { username, password: own } = who.user;
  if (current !== own) return attempt(world, username, false, refuse(WRONG_PASSWORD));
  return attempt(world, username, true, {
    status: 204,
    apply: ({ users, sessions, codes }, { cookie }) => {
      users.set(userId, { ...who.user, password });
      const session = sessions.get(caller.cookie ?? '');
      drop(sessions, (each) => each.userId === userId);
      if (session) sessions.set(cookie, { ...session, fresh: true });
      drop(codes, (code) => code.userId === userId);
    },
  });
}

const idsOf = (entries: Iterable<{ id: string; userId: string }>, user: ModelUser) =>
  [...entries].flatMap(({ id, userId }) => (userId === user.id ? [id] : [])).sort();

export function listSessions(world: World, caller: Caller): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  if (who.scopes !== null) return refuse(403);
  return { status: 200, content: idsOf(world.sessions.values(), who.user) };
}

export function endSession(world: World, caller: Caller, id: string): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  if (who.scopes !== null) return refuse(403);
  if (isStale(who) && world.sessions.get(caller.cookie ?? '')?.id !== id) return refuse(403);
  if (!idsOf(world.sessions.values(), who.user).includes(id)) return refuse(404);
  return { status: 204, apply: ({ sessions }) => drop(sessions, (session) => session.id === id) };
}

export function endOtherSessions(world: World, caller: Caller): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  if (who.scopes !== null || isStale(who)) return refuse(403);
  return {
    status: 204,
    apply: ({ sessions }) =>
      drop(sessions, ({ userId }, cookie) => userId === who.user.id && cookie !== caller.cookie),
  };
}

export function listSessionsOf(world: World, caller: Caller, userId: string): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  if (!may(who, 'sessions:write')) return refuse(403);
  const user = world.users.get(userId);
  if (!user) return refuse(404);
  if (!may(who, ...heldBy(world, userId))) return refuse(403);
  return { status: 200, content: idsOf(world.sessions.values(), user) };
}

export function endSessionsOf(world: World, caller: Caller, userId: string): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  if (!may(who, 'sessions:write') || isStale(who)) return refuse(403);
  if (!world.users.has(userId)) return refuse(404);
  // A token has authority over its owner here, by its scopes.
  if (!may(who, ...heldBy(world, userId))) return refuse(403);
  return {
    status: 204,
    apply: ({ sessions }) => drop(sessions, (session) => session.userId === userId),
  };
}

export function createToken(world: World, caller: Caller, scopes: string[] | undefined): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  const own = scopes ?? [];
  if (who.scopes !== null || isStale(who) || !may(who, ...own)) return refuse(403);
  return {
    status: 201,
    apply: ({ tokens }, { id, secret }) => tokens.set(secret, { id, userId: who.user.id, scopes: own }),
  };
}

export function listTokens(world: World, caller: Caller): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  if (who.scopes !== null) return refuse(403);
  return { status: 200, content: idsOf(world.tokens.values(), who.user) };
}

export function endToken(world: World, caller: Caller, id: string): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  if (who.scopes !== null) return refuse(403);
  if (!idsOf(world.tokens.values(), who.user).includes(id)) return refuse(404);
  return { status: 204, apply: ({ tokens }) => drop(tokens, (token) => token.id === id) };
}
