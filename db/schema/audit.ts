/**
 * The audit trail: who did what to whom, when and from where. Entries are only ever added, and outlive those that they
 * tell of: so they refer to no other table, and keep the names of that time.
 */
import type { Vocabulary } from '../vocabulary.ts';

/** The fields of a thing that were changed, without secrets. */
export type Fields = Record<string, unknown>;

export const defineAudit = (v: Vocabulary) =>
  v.table(
    'audit',
    {
      /** A UUIDv7: the entries are in the order of their ids. */
      id: v.id(),
      at: v.instant().notNull(),
      event: v.string(32).notNull(),
      /** Who did it; absent when it was nobody who had signed in, or the operator. */
      actorId: v.ref(),
      actorName: v.string(64),
      /** How the actor was recognised: session, token …, manage for the operator's commands. */
      via: v.string(16).notNull(),
      /** Of which kind of thing the target is: user, group, session or token. */
      targetKind: v.string(16),
      targetId: v.ref(),
      targetName: v.string(100),
      address: v.string(64).notNull(),
      userAgent: v.string(255).notNull(),
      requestId: v.string(64).notNull(),
      before: v.json<Fields>(),
      after: v.json<Fields>(),
    },
    (audit) => [
      v.index('audit_actor').on(audit.actorId, audit.id),
      v.index('audit_target').on(audit.targetId, audit.id),
      v.index('audit_event').on(audit.event, audit.id),
    ],
  );
