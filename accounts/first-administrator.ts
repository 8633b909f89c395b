/** The rule by which the operator makes an administrator, the first one among them. */
import type { Database } from '../db/database.ts';
import { EVERYTHING } from '../db/queries/permissions.ts';
import { type Actor, isOperator } from './actor.ts';
import { userTarget } from './audit.ts';
import { applyChange, lockGroups } from './change.ts';
import { MissingPermissionError, NoAdministratorsError } from './errors.ts';
import { groupCreation } from './groups.ts';
import { tellAllTaken } from './taken.ts';
import { type NewUser, userCreation } from './users.ts';

/** The group that administrators belong to. */
export const ADMINISTRATORS = 'admins';

/**
 * Makes a user who manages the group `admins`, and that group when there is none.
 * @throws {MissingPermissionError} for anybody but the operator. @throws {NoAdministratorsError} @throws {TakenError}
 */
export const createAdministrator = (db: Database, actor: Actor, user: NewUser) =>
  tellAllTaken(db, applyAdministratorCreation(db, actor, user), user);

const applyAdministratorCreation = (db: Database, actor: Actor, user: NewUser) =>
  applyChange(db, actor, async () => {
    if (!isOperator(actor)) throw new MissingPermissionError([EVERYTHING]);
    const found = await db.groups.findByName(ADMINISTRATORS);
    if (found && !found.permissions.includes(EVERYTHING))
      throw new NoAdministratorsError(
        `The group ${ADMINISTRATORS} exists, but does not carry every permission (${EVERYTHING}).`,
      );
    const made = { name: ADMINISTRATORS, title: 'Administrators', permissions: [EVERYTHING] };
    const group = found ? { writes: [], event: [], result: found } : groupCreation(db, actor, made);
    const change = userCreation(db, actor, user);
    const { id, username } = change.result.user;
    const membership = { groupId: group.result.id, userId: id, role: 'manager' as const };
    return {
      locks: found ? lockGroups(db, [found]) : [],
      // Another command may make the group at the same time.
      retryOn: ['groups_name'],
      writes: [...change.writes, ...group.writes, db.memberships.add(membership, Date.now())],
      event: [
        ...[change.event].flat(),
        ...[group.event].flat(),
        {
          event: 'membership-set',
          target: userTarget({ id, username }),
          before: { group: ADMINISTRATORS, role: null },
          after: { group: ADMINISTRATORS, role: 'manager' },
        },
      ],
      result: change.result,
    };
  });
