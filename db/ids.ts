/** Ids are UUIDv7 (RFC 9562, section 5.7). They begin with their time of creation, so a period is a range of ids. */

/** @param time in milliseconds since 1970. @returns a string between the ids before that time and all others. */
export function firstIdOf(time: number): string {
  const digits = time.toString(16).padStart(12, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8)}`;
}

/** Sorts by id as both engines do, which compare bytes. */
export function compareIds(one: { id: string }, other: { id: string }): number {
  return one.id < other.id ? -1 : 1;
}
