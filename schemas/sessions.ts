/** How a session appears in the API. */
import { type Static, Type } from 'typebox';
import type { SessionRow } from '../db/queries/sessions.ts';
import { Id, Instant, instant } from './common.ts';

export const Session = Type.Object({
  id: Id,
  createdAt: Instant,
  lastSeenAt: Instant,
  /** When it ends unless it is used before. */
  expiresAt: Instant,
  /** When it ends however active it is. */
  endsAt: Instant,
});

/** @returns the row as the API shows it. */
export function sessionJson(row: SessionRow): Static<typeof Session> {
  return {
    id: row.id,
    createdAt: instant(row.createdAt),
    lastSeenAt: instant(row.lastSeenAt),
    expiresAt: instant(row.expiresAt),
    endsAt: instant(row.endsAt),
  };
}
