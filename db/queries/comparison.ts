/** Queries that compare a backup with the database that it replaces. */
import { eq } from '../drizzle.ts';
import type { Engine } from '../engines/engine.ts';
import { pickColumns } from '../schema/column-types.ts';
import { pageAfter } from './page-after.ts';
import { EVERYTHING } from './permissions.ts';
import { isInRange } from './ranges.ts';

export function comparisonQueries({ build, read, tables }: Engine) {
  const { groupPermissions, groups, memberships, users } = tables;
  const account = pickColumns(users, 'id', 'username', 'active', 'passwordSetAt');
  const pageOfUsers = read(pageAfter(build.select(account).from(users).$dynamic(), users.id));
  const usersIn = read(build.select(account).from(users).where(isInRange(users.id)));
  const membership = { ...pickColumns(memberships, 'userId', 'groupId', 'role'), group: groups.name };
  const membershipsIn = read(
    build
      .select(membership)
      .from(memberships)
      .innerJoin(groups, eq(groups.id, memberships.groupId))
      .where(isInRange(memberships.userId)),
  );
  const permissionsIn = read(
    build
      .select(pickColumns(groupPermissions, 'groupId', 'permission'))
      .from(groupPermissions)
      .where(isInRange(groupPermissions.groupId)),
  );
  const carriesEverything = eq(groupPermissions.permission, EVERYTHING);
  const administering = read(
    build.select({ id: groupPermissions.groupId }).from(groupPermissions).where(carriesEverything),
  );

  return {
    pageOfUsers: (after: string, limit: number) => pageOfUsers({ after, limit }),
    usersIn: (after: string, last: string) => usersIn({ after, last }),
    /** Reads the memberships of the users in the range, with the names of their groups. */
    membershipsIn: (after: string, last: string) => membershipsIn({ after, last }),
    /** Reads what the groups in the range carry. */
    permissionsIn: (after: string, last: string) => permissionsIn({ after, last }),
    /** Reads the ids of the groups that carry every permission. */
    administering: async () => new Set((await administering()).map(({ id }) => id)),
  };
}
