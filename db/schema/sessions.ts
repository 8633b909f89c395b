/**
 * Sessions: who is signed in, from where, until when. The cookie holds a random secret, and the row's key is its
 * SHA-256, so a copy of the database does not let anyone sign in.
 */
import { type ColumnTypes, ORIGIN_LENGTHS } from './column-types.ts';
import type { UsersTable } from './users.ts';

export const defineSessions = (t: ColumnTypes, users: UsersTable) =>
  t.table(
    'sessions',
    {
      key: t.digest().primaryKey(),
      /** The session's name in the API. It is no secret. */
      id: t.ref().notNull(),
      userId: t
        .ref()
        .notNull()
        .references(() => users.id, { onDelete: 'cascade' }),
      createdAt: t.instant().notNull(),
      lastSeenAt: t.instant().notNull(),
      /** When the user last entered the password: sensitive changes require that to be recent. */
      confirmedAt: t.instant().notNull(),
      /** The idle lifetime's end, which each use moves, but never past `endsAt`. */
      expiresAt: t.instant().notNull(),
      /** The absolute lifetime's end. */
      endsAt: t.instant().notNull(),
      /** Whether the cookie outlives the browser. */
      remembered: t.flag().notNull().default(false),
      address: t.string(ORIGIN_LENGTHS.address).notNull(),
      userAgent: t.string(ORIGIN_LENGTHS.userAgent).notNull(),
    },
    (sessions) => [
      t.uniqueIndex('sessions_id').on(sessions.id),
      t.index('sessions_user').on(sessions.userId),
      t.index('sessions_expires').on(sessions.expiresAt),
    ],
  );
