/** Ids are UUIDv7 (RFC 9562, section 5.7). They begin with their time of creation, so a period is a range of ids. */
import { randomUUIDv7 } from 'node:crypto';
import { CLOCK_TOLERANCE } from './clock.ts';

/** The counter has the 12 bits after the time. It begins in its lower half, so that it can count up from there. */
const COUNTER_END = 0x1000;
const FIRST_COUNTER_BITS = 0x7ff;

let latestTime = 0;
let counter = 0;

/**
 * Ids of one process increase, also within a millisecond, so that what one change writes sorts in its order. If the clock
 * is set back a little, ids go on from the latest time. If it is set back further, they begin anew: they would bear
 * wrong times for as long.
 * @see https://www.rfc-editor.org/rfc/rfc9562#section-6.2 (method 1)
 */
export function makeId(): string {
  const random = randomUUIDv7();
  const now = Date.now();
  if (now > latestTime || now < latestTime - CLOCK_TOLERANCE) {
    latestTime = now;
    counter = Number.parseInt(random.slice(15, 18), 16) & FIRST_COUNTER_BITS;
  } else if (++counter === COUNTER_END) {
    latestTime++;
    counter = 0;
  }
  return `${firstIdOf(latestTime)}-7${counter.toString(16).padStart(3, '0')}${random.slice(18)}`;
}

/** @param time in milliseconds since 1970. @returns a string between the ids before that time and all others. */
export function firstIdOf(time: number): string {
  const digits = time.toString(16).padStart(12, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8)}`;
}

/** Sorts by id as both engines do, which compare bytes. */
export function compareIds(one: { id: string }, other: { id: string }): number {
  return one.id < other.id ? -1 : 1;
}
