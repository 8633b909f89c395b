/**
 * Sessions: who is signed in, from where, until when. The cookie holds a random secret; the row's key is that
 * secret's SHA-256, so a copy of the database lets nobody in.
 */
import type { Vocabulary } from '../vocabulary.ts';
import type { UsersTable } from './users.ts';

export const defineSessions = (v: Vocabulary, users: UsersTable) =>
  v.table(
    'sessions',
    {
      key: v.digest().primaryKey(),
      /** What the API calls the session: it can be shown, since it lets nobody in. */
      id: v.ref().notNull(),
      userId: v
        .ref()
        .notNull()
        .references(() => users.id, { onDelete: 'cascade' }),
      createdAt: v.instant().notNull(),
      lastSeenAt: v.instant().notNull(),
      /** When the password was last given: sensitive changes ask for a recent one. */
      confirmedAt: v.instant().notNull(),
      /** When it ends unless it is used before: never later than `endsAt`. */
      expiresAt: v.instant().notNull(),
      /** When it ends however active it is. */
      endsAt: v.instant().notNull(),
      /** Whether it was to outlive the browser. */
      remembered: v.flag().notNull().default(false),
      address: v.string(64).notNull(),
      userAgent: v.string(255).notNull(),
    },
    (sessions) => [
      v.uniqueIndex('sessions_id').on(sessions.id),
      v.index('sessions_user').on(sessions.userId),
      v.index('sessions_expires').on(sessions.expiresAt),
    ],
  );
