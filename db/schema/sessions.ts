/**
 * Sessions: who is signed in, from where, until when. The cookie holds a random secret; the row's key is that
 * secret's SHA-256, so a copy of the database lets nobody in.
 */
import { type ColumnTypes, ORIGIN_LENGTHS } from './column-types.ts';
import type { UsersTable } from './users.ts';

export const defineSessions = (t: ColumnTypes, users: UsersTable) =>
  t.table(
    'sessions',
    {
      key: t.digest().primaryKey(),
      /** What the API calls the session: it can be shown, since it lets nobody in. */
      id: t.ref().notNull(),
      userId: t
        .ref()
        .notNull()
        .references(() => users.id, { onDelete: 'cascade' }),
      createdAt: t.instant().notNull(),
      lastSeenAt: t.instant().notNull(),
      /** When the password was last given: sensitive changes ask for a recent one. */
      confirmedAt: t.instant().notNull(),
      /** When it ends unless it is used before: never later than `endsAt`. */
      expiresAt: t.instant().notNull(),
      /** When it ends however active it is. */
      endsAt: t.instant().notNull(),
      /** Whether it was to outlive the browser. */
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
