/** Ids are UUIDv7 (RFC 9562, section 5.7): they begin with the moment at which they were made, so a time is a range of ids. */

/** @returns what is before every id of that moment or later, and behind all older ones; in milliseconds since 1970. */
export function firstIdOf(moment: number): string {
  const digits = moment.toString(16).padStart(12, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8)}`;
}

/** Compares two things for `sort`, so that they are in the order of their ids, as both engines have it. */
export function inOrderOfIds(one: { id: string }, other: { id: string }): number {
  return one.id < other.id ? -1 : 1;
}
