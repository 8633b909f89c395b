/** How the audit trail appears in the API, and what of a change it keeps. */
import { type Static, Type } from 'typebox';
import { firstIdOf } from '../db/ids.ts';
import { type AuditRow, EVENTS } from '../db/queries/audit.ts';
import type { Fields } from '../db/schema/audit.ts';
import { Id, Instant, Nullable, PageQuery } from './common.ts';
import { instant } from './instant.ts';

const ChangedFields = Type.Unsafe<Fields | null>({ type: ['object', 'null'], additionalProperties: true });

/** Something or none: as `Nullable` is for text. */
function NullableObject<Fields extends Parameters<typeof Type.Object>[0]>(fields: Fields) {
  return Type.Union([Type.Object(fields), Type.Null()]);
}

export const AuditEntry = Type.Object({
  id: Id,
  at: Instant,
  event: Type.String(),
  /** Who did it: null when it was nobody who had signed in, or the operator. */
  actor: NullableObject({ id: Id, username: Nullable(Type.String()) }),
  /** How the actor was recognised: session, token …; manage for the operator's commands. */
  via: Type.String(),
  target: NullableObject({ kind: Type.String(), id: Id, name: Type.String() }),
  address: Type.String(),
  userAgent: Type.String(),
  requestId: Type.String(),
  before: ChangedFields,
  after: ChangedFields,
});

const Moment = Type.String({
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,3})?Z$',
  rule: 'a moment in UTC, such as 2026-01-31T12:00:00Z',
});

export const AuditQuery = Type.Object({
  ...PageQuery.properties,
  actor: Type.Optional(Id),
  target: Type.Optional(Id),
  event: Type.Optional(Type.Enum([...EVENTS])),
  from: Type.Optional(Moment),
  /** Exclusive. */
  to: Type.Optional(Moment),
});

/** Follows every id. */
const BEHIND_ALL = 'g';

/** @returns whether there is that moment: JavaScript takes the 31st of February for one of March. */
export function isMoment(text: string): boolean {
  const moment = Date.parse(text);
  return !Number.isNaN(moment) && new Date(moment).toISOString().startsWith(text.slice(0, 19));
}

/**
 * @param from the earliest moment, @param to the one after the latest, in ISO 8601; absent where there is no such limit.
 * @returns which ids the entries of that time have: from the first one to before the other.
 */
export function idRange(from: string | undefined, to: string | undefined): { from: string; before: string } {
  return {
    from: from === undefined ? '' : firstIdOf(Date.parse(from)),
    before: to === undefined ? BEHIND_ALL : firstIdOf(Date.parse(to)),
  };
}

/** @returns the row as the API shows it. */
export function auditJson(row: AuditRow): Static<typeof AuditEntry> {
  const { actorId, actorName, targetKind, targetId, targetName, at, ...rest } = row;
  return {
    ...rest,
    at: instant(at),
    actor: actorId === null ? null : { id: actorId, username: actorName },
    target: targetId === null ? null : { kind: targetKind ?? '', id: targetId, name: targetName ?? '' },
  };
}

/** @returns the fields whose values differ, as they were and as they are. */
export function differences(before: Fields, after: Fields): { before: Fields; after: Fields } {
  const names = Object.keys(after).filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
  const pick = (fields: Fields) => Object.fromEntries(names.map((name) => [name, fields[name] ?? null]));
  return { before: pick(before), after: pick(after) };
}
