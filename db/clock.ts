/** Times are stored as the clock of the host that wrote them had them. Clocks differ between hosts, and are set back. */

/** How far the clocks of two hosts may differ, in milliseconds. */
export const CLOCK_TOLERANCE = 60 * 1000;

/**
 * @returns whether a stored time is so far in the future that the clock must have been set back since. A time that is
 * less far in the future comes from another host, and counts as now.
 */
export function isFromFuture(time: number, now: number): boolean {
  return time > now + CLOCK_TOLERANCE;
}
