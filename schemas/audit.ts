/** How the audit trail appears in the API. */
import { type Static, Type } from 'typebox';
import { firstIdOf } from '../db/ids.ts';
import { type AuditRow, EVENTS } from '../db/queries/audit.ts';
import type { Fields } from '../db/schema/audit.ts';
import { Id, Instant, Nullable, PageQuery } from './common.ts';
import { instant } from './instant.ts';

const ChangedFields = Type.Unsafe<Fields | null>({ type: ['object', 'null'], additionalProperties: true });

/** An object of these fields, or null. */
function NullableObject<Fields extends Parameters<typeof Type.Object>[0]>(fields: Fields) {
  return Type.Union([Type.Object(fields), Type.Null()]);
}

export const AuditEntry = Type.Object({
  id: Id,
  at: Instant,
  event: Type.String(),
  /** Who did it: null for anonymous callers and the operator. */
  actor: NullableObject({ id: Id, username: Nullable(Type.String()) }),
  /** How the actor was authenticated: session, token …; manage for the operator's commands. */
  via: Type.String(),
  target: NullableObject({ kind: Type.String(), id: Id, name: Type.String() }),
  address: Type.String(),
  userAgent: Type.String(),
  requestId: Type.String(),
  before: ChangedFields,
  after: ChangedFields,
});

const Time = Type.String({
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,3})?Z$',
  rule: 'a moment in UTC, such as 2026-01-31T12:00:00Z',
});

export const AuditQuery = Type.Object({
  ...PageQuery.properties,
  actor: Type.Optional(Id),
  target: Type.Optional(Id),
  event: Type.Optional(Type.Enum([...EVENTS])),
  from: Type.Optional(Time),
  /** Exclusive. */
  to: Type.Optional(Time),
});

/** Sorts after every id. */
const BEHIND_ALL = 'g';

/** @returns whether the time exists: JavaScript takes the 31st of February for a day of March. */
export function isTime(text: string): boolean {
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text.slice(0, 19));
}

/**
 * @param from the first time and @param to the end, exclusive, in ISO 8601; absent where there is no limit.
 * @returns the range of ids of that time: from `from` to before `before`.
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
