/** Reads the user or group that a rule is about. A rule refuses what is not there, or not as the caller has read it. */
import type { Database } from '../db/database.ts';
import type { GroupRow } from '../db/queries/groups.ts';
import type { UserDetailRow } from '../db/queries/users.ts';
import { NotFoundError, StaleVersionError } from './errors.ts';

/** Tells whether a thing of this version is the one that the caller has read. */
export type VersionMatch = (version: number) => boolean;

export const anyVersion: VersionMatch = () => true;

/** @returns the user. @throws {NotFoundError} @throws {StaleVersionError} */
export async function requireUser(db: Database, id: string, matches = anyVersion): Promise<UserDetailRow> {
  return requireRow('user', await db.users.find(id), matches);
}

/** @returns the group. @throws {NotFoundError} @throws {StaleVersionError} */
export async function requireGroup(db: Database, id: string, matches = anyVersion): Promise<GroupRow> {
  return requireRow('group', await db.groups.find(id), matches);
}

function requireRow<Row extends { version: number }>(
  kind: string,
  row: Row | undefined,
  matches: VersionMatch,
): Row {
  if (!row) throw new NotFoundError(kind);
  if (!matches(row.version)) throw new StaleVersionError(kind);
  return row;
}
