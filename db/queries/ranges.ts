/** Compares two databases range by range of ids, so that both read the same part of a table and keep little of it in memory. */
import type { AnyColumn, SQL } from 'drizzle-orm';
import { and, gt, lte } from '../drizzle.ts';
import { placeholder } from '../schema/column-types.ts';

const PAGE = 500;

/** @returns the condition that the id is one after `after`, up to and including `last`. */
export function isInRange(id: AnyColumn): SQL | undefined {
  return and(gt(id, placeholder('after')), lte(id, placeholder('last')));
}

/** @param page gives at most `limit` rows whose ids follow `after`. @returns all rows, with the range of each page. */
export async function* everyRange<Row extends { id: string }>(
  page: (after: string, limit: number) => Promise<Row[]>,
): AsyncGenerator<{ rows: Row[]; after: string; last: string }> {
  for (let after = ''; ; ) {
    const rows = await page(after, PAGE);
    const last = rows.at(-1)?.id;
    if (last === undefined) return;
    yield { rows, after, last };
    after = last;
  }
}
