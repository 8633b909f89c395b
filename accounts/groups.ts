/** The rules for groups and the permissions that they carry. Nobody gives what they do not hold. */
import type { Database } from '../db/database.ts';
import { makeId } from '../db/ids.ts';
import type { GroupRow } from '../db/queries/groups.ts';
import type { Actor } from './actor.ts';
import { keepAdministrator } from './administrators.ts';
import { differences, isNothing } from './audit.ts';
import { holds, requireFreshSession, WRITE_GROUPS } from './authorization.ts';
import { applyChange, type Change, lockGroups } from './change.ts';
import { anyVersion, requireGroup, type VersionMatch } from './find.ts';
import { tellAllTaken } from './taken.ts';

export interface GroupFields {
  name: string;
  title: string;
  permissions: string[];
}

/** Makes a group. @throws {MissingPermissionError} @throws {StaleSessionError} @throws {TakenError} */
export const createGroup = (db: Database, actor: Actor, group: GroupFields) =>
  tellAllTaken(
    db,
    applyChange(db, actor, () => groupCreation(db, actor, group)),
  );

/** @returns the change that makes a group, to be applied by itself or together with another one. */
export function groupCreation(db: Database, actor: Actor, fields: GroupFields): Change<GroupRow> {
  if (fields.permissions.length > 0) requireFreshSession(actor);
  const [id, now] = [makeId(), Date.now()];
  const { name } = fields;
  return {
    conditions: holds(db, actor, WRITE_GROUPS, ...fields.permissions),
    writes: db.groups.add({ id, ...fields }, now),
    event: { event: 'group-created', target: { kind: 'group', id, name }, after: { ...fields } },
    result: {
      id,
      ...fields,
      permissions: fields.permissions.toSorted(),
      version: 1,
      createdAt: now,
      updatedAt: now,
    },
  };
}

/**
 * Changes a group; a change to what is so already writes nothing. Whoever gives it permissions gives them to its members: the
 * sessions of those who come to hold more end, and the codes that others issued for members.
 * @throws {NotFoundError} @throws {StaleVersionError} @throws {TakenError} @throws {LastAdministratorError}
 * @throws {MissingPermissionError} @throws {StaleSessionError}
 */
export const changeGroup = (
  db: Database,
  actor: Actor,
  id: string,
  changes: Partial<GroupFields>,
  matches: VersionMatch = anyVersion,
) => tellAllTaken(db, applyGroupChange(db, actor, id, changes, matches));

const applyGroupChange = (
  db: Database,
  actor: Actor,
  id: string,
  changes: Partial<GroupFields>,
  matches: VersionMatch,
) =>
  applyChange(db, actor, async () => {
    const row = await requireGroup(db, id, matches);
    const given = changes.permissions?.toSorted();
    const held = holds(db, actor, WRITE_GROUPS, ...row.permissions);
    if (given) requireFreshSession(actor);
    const added = (given ?? []).filter((permission) => !row.permissions.includes(permission));
    const conditions = [...held, ...holds(db, actor, ...added)];
    const changed = differences({ ...row }, { ...changes, ...(given ? { permissions: given } : {}) });
    // Who may not change it is not told that nothing would change.
    if (isNothing(changed)) return { conditions, writes: [], event: [], result: row };
    const permissions = 'permissions' in changed.after ? given : undefined;
    const now = Date.now();
    const group = { ...row, ...changes };
    return {
      locks: [...lockGroups(db, [row]), ...(permissions ? [keepAdministrator(db)] : [])],
      conditions,
      writes: [
        db.groups.change(group, now),
        ...db.sessions.endOfGainingMembers(id, added),
        ...(permissions ? db.groups.setPermissions(id, permissions) : []),
        ...(permissions ? [db.codes.removeOthersOfMembers(id, actor.user?.id ?? '')] : []),
      ],
      event: {
        event: 'group-changed',
        target: { kind: 'group', id, name: row.name },
        ...changed,
      },
      result: {
        ...group,
        permissions: group.permissions.toSorted(),
        version: row.version + 1,
        updatedAt: now,
      },
    };
  });

/**
 * Removes a group.
 * @throws {NotFoundError} @throws {StaleVersionError} @throws {LastAdministratorError} @throws {MissingPermissionError}
 * @throws {StaleSessionError}
 */
export const deleteGroup = (db: Database, actor: Actor, id: string, matches: VersionMatch = anyVersion) =>
  applyChange(db, actor, async () => {
    const row = await requireGroup(db, id, matches);
    const { name, title, permissions } = row;
    const conditions = holds(db, actor, WRITE_GROUPS, ...permissions);
    requireFreshSession(actor);
    return {
      locks: [...lockGroups(db, [row]), keepAdministrator(db)],
      conditions,
      writes: [db.groups.remove(row)],
      event: {
        event: 'group-deleted',
        target: { kind: 'group', id, name },
        before: { name, title, permissions },
      },
      result: undefined,
    };
  });
