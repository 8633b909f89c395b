/**
 * The audit trail: who did what to whom, when and from where. Audit events outlive the users and groups that they
 * describe, so they have no foreign keys and carry the names of that time.
 */
import { type ColumnTypes, ORIGIN_LENGTHS } from './column-types.ts';
import { USER_LENGTHS } from './users.ts';

/** The changed fields of what an event is about, without secrets. */
export type Fields = Record<string, unknown>;

/** The longest name of an authentication method, in characters. */
export const METHOD_LENGTH = 16;

/** The longest name of what an event is about, in characters. */
export const TARGET_NAME_LENGTH = 100;

export const defineAudit = (t: ColumnTypes) =>
  t.table(
    'audit',
    {
      /** A UUIDv7, so that ids sort by time. */
      id: t.id(),
      at: t.instant().notNull(),
      event: t.string(32).notNull(),
      /** Absent when the actor is anonymous or the operator. */
      actorId: t.ref(),
      actorName: t.string(USER_LENGTHS.username),
      /** The authentication method: session, token …, manage for the operator's commands, service for what it does by itself. */
      via: t.string(METHOD_LENGTH).notNull(),
      /** user, group, session, or what another part names. */
      targetKind: t.string(16),
      targetId: t.ref(),
      targetName: t.string(TARGET_NAME_LENGTH),
      address: t.string(ORIGIN_LENGTHS.address).notNull(),
      userAgent: t.string(ORIGIN_LENGTHS.userAgent).notNull(),
      requestId: t.string(ORIGIN_LENGTHS.requestId).notNull(),
      before: t.json<Fields>(),
      after: t.json<Fields>(),
    },
    (audit) => [
      t.index('audit_actor').on(audit.actorId, audit.id),
      t.index('audit_target').on(audit.targetId, audit.id),
      t.index('audit_event').on(audit.event, audit.id),
    ],
  );
