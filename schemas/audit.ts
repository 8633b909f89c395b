/** How the audit trail appears in the API. */
import { type Static, Type } from 'typebox';
import { firstIdOf } from '../db/ids.ts';
import { type AuditRow, EVENTS } from '../db/queries/audit.ts';
import type { Fields } from '../db/schema/audit.ts';
import { Id, Instant, Nullable, NullableObject, PageQuery } from './common.ts';
import { instant, parseInstant } from './instant.ts';

const ChangedFields = Type.Unsafe<Fields | null>({ type: ['object', 'null'], additionalProperties: true });

export const AuditEntry = Type.Object({
  id: Id,
  at: Instant,
  event: Type.String(),
  /** Who did it: null for anonymous callers and the operator. */
  actor: NullableObject({ id: Id, username: Nullable(Type.String()) }),
  /** How the actor was authenticated: session, token …; manage for the operator's commands, service for what it does by itself. */
  via: Type.String(),
  target: NullableObject({ kind: Type.String(), id: Id, name: Type.String() }),
  address: Type.String(),
  userAgent: Type.String(),
  requestId: Type.String(),
  before: ChangedFields,
  after: ChangedFields,
});

const InstantOrDay = Type.String({
  maxLength: 40,
  instant: true,
  rule: 'a time that there is, such as 2026-01-31T12:00:00Z or 2026-01-31T13:00:00+01:00, or a day, such as 2026-01-31, which begins in UTC',
});

export const AuditQuery = Type.Object({
  ...PageQuery.properties,
  actor: Type.Optional(Id),
  target: Type.Optional(Id),
  event: Type.Optional(Type.Enum([...EVENTS])),
  from: Type.Optional(InstantOrDay),
  /** Exclusive. */
  to: Type.Optional(InstantOrDay),
});

/** Sorts after every id. */
const BEHIND_ALL = 'g';

/** @returns the first id of that time. Before 1970 there are none. */
const firstIdAt = (text: string) => firstIdOf(Math.max(0, parseInstant(text) ?? 0));

/**
 * @param from the first time and @param to the end, exclusive, as `AuditQuery` has them; absent where there is no limit.
 * @returns the range of ids of that time: from `from` to before `before`.
 */
export function idRange(from: string | undefined, to: string | undefined): { from: string; before: string } {
  return {
    from: from === undefined ? '' : firstIdAt(from),
    before: to === undefined ? BEHIND_ALL : firstIdAt(to),
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
