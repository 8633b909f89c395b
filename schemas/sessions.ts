/** How a session appears in the API. */
import { type Static, Type } from 'typebox';
import type { ListedSessionRow } from '../db/queries/sessions.ts';
import { Id, Instant } from './common.ts';
import { instant } from './instant.ts';

export const Session = Type.Object({
  id: Id,
  createdAt: Instant,
  lastSeenAt: Instant,
  /** When it ends unless it is used before then. */
  expiresAt: Instant,
  /** When it ends however active it is. */
  endsAt: Instant,
});

/** @returns the row as the API shows it. */
export function sessionJson(row: Omit<ListedSessionRow, 'address' | 'userAgent'>): Static<typeof Session> {
  return {
    id: row.id,
    createdAt: instant(row.createdAt),
    lastSeenAt: instant(row.lastSeenAt),
    expiresAt: instant(row.expiresAt),
    endsAt: instant(row.endsAt),
  };
}

export const ListedSession = Type.Object({
  ...Session.properties,
  /** Where the user signed in from. */
  address: Type.String(),
  userAgent: Type.String(),
  /** Whether it is the session of this request. */
  current: Type.Boolean(),
});

/** @returns the row as lists show it. @param currentId the id of the session of this request. */
export function listedSessionJson(
  row: ListedSessionRow,
  currentId: string | undefined,
): Static<typeof ListedSession> {
  const { address, userAgent } = row;
  return { ...sessionJson(row), address, userAgent, current: row.id === currentId };
}
