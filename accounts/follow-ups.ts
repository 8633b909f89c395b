/**
 * What follows from a change in parts that can be left out, such as API tokens. The core does not know these parts: they register here
 * what they write when an event happens, and `applyChange` writes it in the same transaction.
 */
import type { Database } from '../db/database.ts';
import type { Step } from '../db/engines/engine.ts';
import type { AuditEvent } from './audit.ts';

interface Following {
  /** They come after the writes of the event, and are lost races like these (see change.ts). */
  writes: Step[];
  events: AuditEvent[];
}

interface FollowUp {
  /** What ends by it, as people call it. */
  ends: string;
  /** Asked at each try of the change, with the event as it will be recorded. */
  follow(db: Database, event: AuditEvent): Promise<Following>;
}

const registered = new Map<AuditEvent['event'], FollowUp[]>();

const followUpsOf = (event: AuditEvent['event']) => registered.get(event) ?? [];

/** Registers what follows from that event. */
export function registerFollowUp(event: AuditEvent['event'], followUp: FollowUp): void {
  registered.set(event, [...followUpsOf(event), followUp]);
}

/** @returns the list, for people, of what ends with that event: what the core ends, and what parts have registered. */
export function listEnds(event: AuditEvent['event'], ...ofCore: string[]): string {
  const ends = [...ofCore, ...followUpsOf(event).map(({ ends }) => ends)];
  // Intl.ListFormat would take 5 MB of each process.
  return ends.join(', ').replace(/, (?=[^,]*$)/, ' and ');
}

/** @returns what follows from these events. */
export async function findFollowing(db: Database, events: AuditEvent[]): Promise<Following> {
  const found: Following = { writes: [], events: [] };
  for (const event of events) {
    for (const { follow } of followUpsOf(event.event)) {
      const { writes, events: following } = await follow(db, event);
      found.writes.push(...writes);
      found.events.push(...following);
    }
  }
  return found;
}
