/** Adds and reads audit events. No query changes them, and only purge.ts removes them. */
import { and, desc, gte, lt } from '../drizzle.ts';
import type { Engine, Step } from '../engines/engine.ts';
import type { Fields } from '../schema/audit.ts';
import {
  equals,
  limitPlaceholder,
  ORIGIN_LENGTHS,
  placeholder,
  placeholdersFor,
} from '../schema/column-types.ts';
import * as parts from '../schema/parts.ts';

const CORE_EVENTS = [
  'signed-in',
  'sign-in-refused',
  'throttled',
  'refusals-left-out',
  'audit-purged',
  'signed-out',
  'signed-up',
  'confirmed',
  'confirm-refused',
  'session-ended',
  'sessions-ended',
  'password-changed',
  'password-reset',
  'code-issued',
  'code-withdrawn',
  'user-created',
  'user-changed',
  'user-deleted',
  'group-created',
  'group-changed',
  'group-deleted',
  'membership-set',
  'membership-removed',
  'database-restored',
] as const;

type Parts = typeof parts;

type PartEvent = Parts[keyof Parts]['events'][number];

export type AuditEvent = (typeof CORE_EVENTS)[number] | PartEvent;

export const EVENTS: readonly AuditEvent[] = [
  ...CORE_EVENTS,
  ...Object.values<{ events: readonly PartEvent[] }>(parts).flatMap(({ events }) => events),
];

/** The object of an event, with its name at that time. */
export interface Target {
  /** user, group, session, or what another part names. */
  kind: string;
  id: string;
  name: string;
}

export interface AuditEntry {
  id: string;
  at: number;
  event: AuditEvent;
  actor: { id: string; username: string } | null;
  via: string;
  target: Target | null;
  address: string;
  userAgent: string;
  requestId: string;
  /** The changed fields with their old and new values, without secrets. */
  before: Fields | null;
  after: Fields | null;
}

export type AuditRow = Awaited<ReturnType<ReturnType<typeof auditQueries>['page']>>[number];

export interface AuditFilter {
  actor?: string | undefined;
  target?: string | undefined;
  event?: AuditEvent | undefined;
}

export function auditQueries({ build, read, write, tables: { audit } }: Engine) {
  const columns = { actor: audit.actorId, target: audit.targetId, event: audit.event };
  const names = ['actor', 'target', 'event'] as const;

  function pageBy(chosen: (typeof names)[number][]) {
    return read(
      build
        .select()
        .from(audit)
        .where(
          and(
            ...chosen.map((name) => equals(columns[name], name)),
            gte(audit.id, placeholder('from')),
            lt(audit.id, placeholder('before')),
          ),
        )
        .orderBy(desc(audit.id))
        .limit(limitPlaceholder),
    );
  }
  // One query for each set of filters, in which each filter has a bit.
  const pages = Array.from({ length: 2 ** names.length }, (_, set) =>
    pageBy(names.filter((_name, bit) => set & (1 << bit))),
  );
  const insert = write(
    build.insert(audit).values({
      ...placeholdersFor(audit, 'id', 'at', 'event', 'actorId', 'actorName', 'via', 'address', 'userAgent'),
      ...placeholdersFor(audit, 'requestId', 'targetKind', 'targetId', 'targetName', 'before', 'after'),
    }),
    1,
  );

  return {
    add({ actor, target, ...entry }: AuditEntry): Step {
      return insert({
        ...entry,
        actorId: actor?.id ?? null,
        actorName: actor?.username ?? null,
        targetKind: target?.kind ?? null,
        targetId: target?.id ?? null,
        targetName: target?.name ?? null,
        address: entry.address.slice(0, ORIGIN_LENGTHS.address),
        userAgent: entry.userAgent.slice(0, ORIGIN_LENGTHS.userAgent),
        requestId: entry.requestId.slice(0, ORIGIN_LENGTHS.requestId),
      });
    },
    /** Reads at most `limit` events with ids from `from` up to, but without, `before`, the newest first. */
    page(filter: AuditFilter, from: string, before: string, limit: number) {
      const set = names.reduce((bits, name, bit) => bits | (filter[name] === undefined ? 0 : 1 << bit), 0);
      const page = pages[set];
      if (!page) throw new RangeError('There is no such set of filters.');
      return page({ ...filter, from, before, limit });
    },
  };
}
