/**
 * The audit trail: who did what to whom, when and from where. Entries are only ever added, and outlive those that they
 * tell of: so they refer to no other table, and keep the names of that time.
 */
import { type ColumnTypes, ORIGIN_LENGTHS } from './column-types.ts';

import { TOKEN_NAME_LENGTH } from './tokens.ts';
import { USER_LENGTHS } from './users.ts';

/** The fields of a thing that were changed, without secrets. */
export type Fields = Record<string, unknown>;

/** The longest name of a way to authenticate, in characters. */
export const METHOD_LENGTH = 16;

export const defineAudit = (t: ColumnTypes) =>
  t.table(
    'audit',
    {
      /** A UUIDv7: the entries are in the order of their ids. */
      id: t.id(),
      at: t.instant().notNull(),
      event: t.string(32).notNull(),
      /** Who did it; absent when it was nobody who had signed in, or the operator. */
      actorId: t.ref(),
      actorName: t.string(USER_LENGTHS.username),
      /** How the actor was recognised: session, token …, manage for the operator's commands. */
      via: t.string(METHOD_LENGTH).notNull(),
      /** Of which kind of thing the target is: user, group, session or token. */
      targetKind: t.string(16),
      targetId: t.ref(),
      targetName: t.string(TOKEN_NAME_LENGTH),
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
