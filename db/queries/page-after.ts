/** Pages by range of keys: each begins after the last id of the page before, so that all of them cost the same. */
import type { AnyColumn, SQL } from 'drizzle-orm';
import type { SQLiteSelect } from 'drizzle-orm/sqlite-core';
import { and, asc, gt } from '../drizzle.ts';
import { limitPlaceholder, placeholder } from '../schema/column-types.ts';

/**
 * @param query made with $dynamic, so that it takes what is added here.
 * @returns the query for at most `limit` rows with ids after `after`, in the order of these ids.
 */
export function pageAfter<Query extends SQLiteSelect>(
  query: Query,
  id: AnyColumn,
  ...conditions: (SQL | undefined)[]
) {
  return query
    .where(and(...conditions, gt(id, placeholder('after'))))
    .orderBy(asc(id))
    .limit(limitPlaceholder);
}
