/**
 * What is no longer there, as the audit trail keeps it: the names of removed users and groups.
 * Commands that take away succeed when there is nothing left to take away, so that scripts can run them again.
 */
import type { Database } from '../db/database.ts';
import { normalizeIdentifier } from '../db/text.ts';
import { auditRows } from './lists.ts';

/** What the audit trail calls the removal of a user or a group. */
export type Removal = 'user-deleted' | 'group-deleted';

/** @returns the ids of the removed users or groups of that name or e-mail address, those that were removed last first. */
export async function removedIds(db: Database, event: Removal, name: string): Promise<string[]> {
  const key = normalizeIdentifier(name);
  const ids: string[] = [];
  for await (const { targetId, targetName, before: removed } of auditRows(db, { event })) {
    const names = [targetName, removed?.email].filter((each) => typeof each === 'string');
    if (targetId && names.some((each) => normalizeIdentifier(each) === key)) ids.push(targetId);
  }
  return ids;
}

/**
 * @param find finds a user or a group by name. @param event what the audit trail calls the removal of one.
 * @returns what it finds, or undefined when it was removed before. @throws what `find` throws, when there never was one.
 */
export async function findUnlessRemoved<Row>(
  db: Database,
  name: string,
  find: (db: Database, name: string) => Promise<Row>,
  event: Removal,
): Promise<Row | undefined> {
  try {
    return await find(db, name);
  } catch (error) {
    if ((await removedIds(db, event, name)).length === 0) throw error;
    return undefined;
  }
}
