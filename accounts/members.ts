/** The rules for who belongs to a group: its managers say so, and holders of groups:write. */
import type { Database } from '../db/database.ts';
import type { MemberRow, Role } from '../db/queries/memberships.ts';
import { type Actor, isSelf, userOf } from './actor.ts';
import { keepAdministrator } from './administrators.ts';
import { userTarget } from './audit.ts';
import {
  holds,
  managesGroup,
  requireFreshSession,
  requirePermissions,
  WRITE_GROUPS,
} from './authorization.ts';
import { applyChange, lockGroups, lockUser } from './change.ts';
import { NotFoundError } from './errors.ts';
import { requireGroup, requireUser } from './find.ts';

/** For a guard, which refuses early. @throws {MissingPermissionError} unless the actor may say who belongs to the group. */
export async function requireGroupManager(db: Database, actor: Actor, groupId: string): Promise<void> {
  const { id } = userOf(actor);
  const role = isSelf(actor, id) ? await db.memberships.role(groupId, id) : undefined;
  if (role !== 'manager') requirePermissions(actor, WRITE_GROUPS);
}

/**
 * @returns at most `limit` members of the group whose ids follow `after`, in the order of their ids.
 * @throws {NotFoundError} @throws {MissingPermissionError}
 */
export async function listMembers(
  db: Database,
  actor: Actor,
  groupId: string,
  after: string,
  limit: number,
): Promise<MemberRow[]> {
  const { id } = userOf(actor);
  const page = await db.memberships.page(groupId, id, after, limit);
  // Whether they may is read with the page, since on MySQL each statement is a round trip.
  if (!isSelf(actor, id) || page?.roleOfUser !== 'manager') requirePermissions(actor, WRITE_GROUPS);
  if (!page) throw new NotFoundError('group');
  return page.members;
}

/**
 * Lets a user belong to a group in that role, or changes their role. If they come to hold more, their sessions end, and the codes
 * that others issued for them.
 * @returns the member, and the role until now.
 * @throws {NotFoundError} @throws {MissingPermissionError} @throws {StaleSessionError}
 */
export const setMember = (db: Database, actor: Actor, groupId: string, userId: string, role: Role) =>
  applyChange(db, actor, async () => {
    const group = await requireGroup(db, groupId);
    const grants = group.permissions.length > 0;
    if (grants) requireFreshSession(actor);
    // Who joins a group gets what it carries: that is giving it.
    const conditions = [...managesGroup(db, actor, groupId), ...holds(db, actor, ...group.permissions)];
    const user = await requireUser(db, userId);
    const { id, username, name, passwordSetBy, passwordSetById, passwordSetAt } = user;
    const current = await db.memberships.find(groupId, userId);
    const before = current?.role;
    const membership = { groupId, userId, role };
    const now = Date.now();
    const member = { id, username, name, passwordSetBy, passwordSetById, passwordSetAt, role };
    const change = {
      locks: [lockUser(db, userId), ...lockGroups(db, [group])],
      conditions,
      result: { member: { ...member, createdAt: current?.createdAt ?? now }, before },
    };
    if (before === role) return { ...change, locks: [], writes: [], event: [] };
    return {
      ...change,
      writes: [
        ...(before ? [] : db.sessions.endIfGaining(userId, group.permissions)),
        before ? db.memberships.change(membership, before) : db.memberships.add(membership, now),
        ...(grants ? [db.codes.removeOthersOf(userId, actor.user?.id ?? '')] : []),
      ],
      event: {
        event: 'membership-set',
        target: userTarget(user),
        before: { group: group.name, role: before ?? null },
        after: { group: group.name, role },
      },
    };
  });

/**
 * Lets a user not belong to a group any more. Users may always leave a group that they manage.
 * @throws {NotFoundError} @throws {LastAdministratorError} @throws {MissingPermissionError}
 */
export const removeMember = (db: Database, actor: Actor, groupId: string, userId: string) =>
  applyChange(db, actor, async () => {
    const group = await requireGroup(db, groupId);
    const conditions = [
      ...managesGroup(db, actor, groupId),
      ...(isSelf(actor, userId) ? [] : holds(db, actor, ...group.permissions)),
    ];
    const member = await db.memberships.find(groupId, userId);
    if (!member) throw new NotFoundError('member');
    return {
      locks: [lockUser(db, userId), ...lockGroups(db, [group]), keepAdministrator(db)],
      conditions,
      writes: [db.memberships.remove(groupId, userId, member.role)],
      event: {
        event: 'membership-removed',
        target: userTarget(member),
        before: { group: group.name, role: member.role },
      },
      result: undefined,
    };
  });
