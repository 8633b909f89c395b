/** Audit events: what of a change the audit trail keeps. */
import { makeId } from '../db/ids.ts';
import type { AuditEntry, Target } from '../db/queries/audit.ts';
import type { Actor } from './actor.ts';

/** What happened. By whom is taken from the actor, unless it is given. */
export type AuditEvent = Pick<AuditEntry, 'event' | 'target'> &
  Partial<Pick<AuditEntry, 'actor' | 'via' | 'before' | 'after'>>;

type Fields = Record<string, unknown>;

/** @returns the user as the target of an event. */
export function userTarget({ id, username }: { id: string; username: string }): Target {
  return { kind: 'user', id, name: username };
}

/** @returns the entries for the events, in the order of their ids. */
export function auditEntries(actor: Actor, events: AuditEvent[]): AuditEntry[] {
  const { address, userAgent, requestId } = actor;
  return events.map((event) => ({
    actor: actor.user,
    via: actor.method,
    before: null,
    after: null,
    ...event,
    id: makeId(),
    at: Date.now(),
    address,
    userAgent,
    requestId,
  }));
}

/** Writes the whole entry to the log, once it has happened: a copy out of reach of whoever can change the database. */
export function logEntry({ log }: Actor, entry: AuditEntry): void {
  const { id, event, actor, via, target, address, userAgent, before, after } = entry;
  log.info({ event, entry: id, actor: actor?.id, via, target, address, userAgent, before, after }, event);
}

/** @returns the fields whose values differ, as they were and as they are. */
export function differences(before: Fields, after: Fields): { before: Fields; after: Fields } {
  const names = Object.keys(after).filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
  const pick = (fields: Fields) => Object.fromEntries(names.map((name) => [name, fields[name] ?? null]));
  return { before: pick(before), after: pick(after) };
}

/** @returns whether no field differs. */
export function isNothing({ after }: { after: Fields }): boolean {
  return Object.keys(after).length === 0;
}
