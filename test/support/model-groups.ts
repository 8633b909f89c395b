/** The model's rules for groups and members: a user can give only permissions that they hold. See model.ts. */
import {
  type Caller,
  drop,
  EVERYTHING,
  heldBy,
  isSelf,
  isStale,
  keepingAdministrator,
  may,
  type Role,
  refuse,
  type Verdict,
  type Who,
  type World,
  whoIs,
} from './model.ts';

export interface GroupChange {
  name?: string;
  permissions?: string[];
}

const nameIsTaken = (world: World, name: string | undefined, exceptId = '') =>
  [...world.groups.values()].some((group) => group.name === name && group.id !== exceptId);

/** Removes the codes of users who get more permissions, except codes by the giver or the operator. */
const dropCodesOfOthers = (world: World, giver: Who, userIds: Iterable<string>) => {
  const ids = new Set(userIds);
  drop(
    world.codes,
    ({ userId, issuer }) => ids.has(userId) && issuer !== null && issuer.id !== giver.user.id,
  );
};

/**
 * Ends the sessions of those users who come to hold a permission that they did not hold before. An administrator holds every
 * permission.
 */
const endSessionsOfGaining = (before: World, after: World, userIds: Iterable<string>) => {
  for (const id of userIds) {
    const [held, now] = [heldBy(before, id), heldBy(after, id)];
    const gains = now.some((permission) => !held.includes(permission)) && !held.includes(EVERYTHING);
    if (gains) drop(after.sessions, ({ userId }) => userId === id);
  }
};

export function createGroup(
  world: World,
  caller: Caller,
  name: string,
  permissions: string[] | undefined,
): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  const carried = permissions ?? [];
  if (!may(who, 'groups:write', ...carried)) return refuse(403);
  if (carried.length > 0 && isStale(who)) return refuse(403);
  if (nameIsTaken(world, name)) return refuse(409);
  return {
    status: 201,
    apply: ({ groups }, { id }) => groups.set(id, { id, name, permissions: carried, members: new Map() }),
  };
}

export function changeGroup(world: World, caller: Caller, id: string, changes: GroupChange): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  if (!may(who, 'groups:write')) return refuse(403);
  const group = world.groups.get(id);
  if (!group) return refuse(404);
  const { permissions } = changes;
  if (permissions && isStale(who)) return refuse(403);
  if (!may(who, ...group.permissions, ...(permissions ?? []))) return refuse(403);
  if (nameIsTaken(world, changes.name, id)) return refuse(409);
  return keepingAdministrator(world, {
    status: 200,
    apply: (after) => {
      const before = structuredClone(after);
      after.groups.set(id, { ...group, ...changes });
      const isOther = permissions?.toSorted().join() !== group.permissions.toSorted().join();
      if (!permissions || !isOther) return;
      endSessionsOfGaining(before, after, group.members.keys());
      dropCodesOfOthers(after, who, group.members.keys());
    },
  });
}

export function deleteGroup(world: World, caller: Caller, id: string): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  if (!may(who, 'groups:write')) return refuse(403);
  const group = world.groups.get(id);
  if (!group) return refuse(404);
  if (!may(who, ...group.permissions)) return refuse(403);
  if (isStale(who)) return refuse(403);
  return keepingAdministrator(world, { status: 204, apply: ({ groups }) => groups.delete(id) });
}

/** @returns whether the caller may change the members: as a manager of the group (never by a token) or by groups:write. */
function managesMembers(world: World, who: Who, groupId: string): boolean {
  const role = world.groups.get(groupId)?.members.get(who.user.id);
  return may(who, 'groups:write') || (who.scopes === null && role === 'manager');
}

export function putMember(
  world: World,
  caller: Caller,
  groupId: string,
  userId: string,
  role: Role,
): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  if (!managesMembers(world, who, groupId)) return refuse(403);
  const group = world.groups.get(groupId);
  if (!group) return refuse(404);
  const gives = group.permissions.length > 0;
  if (gives && isStale(who)) return refuse(403);
  if (!may(who, ...group.permissions)) return refuse(403);
  if (!world.users.has(userId)) return refuse(404);
  return {
    status: 200,
    content: { id: userId, role },
    apply: (after) => {
      const members = after.groups.get(groupId)?.members;
      if (members?.get(userId) === role) return;
      const before = structuredClone(after);
      members?.set(userId, role);
      endSessionsOfGaining(before, after, [userId]);
      if (gives) dropCodesOfOthers(after, who, [userId]);
    },
  };
}

export function removeMember(world: World, caller: Caller, groupId: string, userId: string): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  if (!managesMembers(world, who, groupId)) return refuse(403);
  const group = world.groups.get(groupId);
  if (!group) return refuse(404);
  if (!isSelf(who, userId) && !may(who, ...group.permissions)) return refuse(403);
  if (!group.members.has(userId)) return refuse(404);
  return keepingAdministrator(world, {
    status: 204,
    apply: ({ groups }) => groups.get(groupId)?.members.delete(userId),
  });
}

export function listMembers(world: World, caller: Caller, groupId: string): Verdict {
  const who = whoIs(world, caller);
  if (!who) return refuse(401);
  if (!managesMembers(world, who, groupId)) return refuse(403);
  const group = world.groups.get(groupId);
  return group ? { status: 200, content: [...group.members].sort() } : refuse(404);
}

export function listGroups(world: World, caller: Caller): Verdict {
  if (!whoIs(world, caller)) return refuse(401);
  const content = [...world.groups.values()].map(({ id, name, permissions }) => [
    id,
    name,
    permissions.toSorted(),
  ]);
  return { status: 200, content: content.sort() };
}

export function listGroupsOfUser(world: World, caller: Caller, userId: string): Verdict {
  if (!whoIs(world, caller)) return refuse(401);
  if (!world.users.has(userId)) return refuse(404);
  const content = [...world.groups.values()].flatMap(({ name, members }) => {
    const role = members.get(userId);
    return role ? [[name, role]] : [];
  });
  return { status: 200, content: content.sort() };
}
