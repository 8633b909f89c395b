/** Tells in SQL what has ended: sessions, codes and tokens. */
import type { AnyColumn } from 'drizzle-orm';
import { CLOCK_TOLERANCE } from '../clock.ts';
import { and, gt, lte } from '../drizzle.ts';
import { placeholder } from '../schema/column-types.ts';

/**
 * @param setAt when the end was last set. If that is in the future, the clock was set back since, and the end would come too late.
 * @returns the condition that it has not ended at the time that is bound by `timesAt`.
 */
export function isWithinLife(expiresAt: AnyColumn, setAt: AnyColumn) {
  return and(gt(expiresAt, placeholder('now')), lte(setAt, placeholder('latest')));
}

/** @returns the time, and the latest time that is not from the future. */
export function timesAt(now: number): { now: number; latest: number } {
  return { now, latest: now + CLOCK_TOLERANCE };
}
