/**
 * What is no longer there, as the audit trail keeps it: names of removed users and groups, ids of ended tokens and sessions.
 * Commands that take away succeed when there is nothing left to take away, so that scripts can run them again.
 */
import type { Database } from '../db/database.ts';
import type { AuditEvent } from '../db/queries/audit.ts';
import { normalizeIdentifier } from '../db/text.ts';
import { idRange } from '../schemas/audit.ts';
import { everyRow } from './lists.ts';

/** What the audit trail calls the removal of a user or a group. */
export type Removal = 'user-deleted' | 'group-deleted';

/** @returns the ids of the removed users or groups of that name, those that were removed last first. */
export async function removedIds(db: Database, event: Removal, name: string): Promise<string[]> {
  const key = normalizeIdentifier(name);
  const ids: string[] = [];
  const { from, before } = idRange(undefined, undefined);
  const removals = everyRow((after, limit) => db.audit.page({ event }, from, after || before, limit));
  for await (const { targetId, targetName } of removals)
    if (targetId && targetName && normalizeIdentifier(targetName) === key) ids.push(targetId);
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

/** @returns whether one of these events ended the session or token of that id. */
export async function hasEnded(db: Database, id: string, ...events: AuditEvent[]): Promise<boolean> {
  const { from, before } = idRange(undefined, undefined);
  const pages = await Promise.all(
    events.map((event) => db.audit.page({ target: id, event }, from, before, 1)),
  );
  return pages.some((page) => page.length > 0);
}
