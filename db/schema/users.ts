/**
 * Users. Names and e-mail addresses are stored as they were entered, and as normalized keys (see identifiers.ts), so
 * that Ann and ANN are one user on both engines.
 */
import { SEARCH_PREFIX_LENGTH } from '../identifiers.ts';
import { baseColumns, rightsVersion } from './base.ts';
import type { ColumnTypes } from './column-types.ts';

/** In characters. The API's schemas use these limits, too. */
export const USER_LENGTHS = { username: 64, name: 200, email: 254 };

export const defineUsers = (t: ColumnTypes) =>
  t.table(
    'users',
    {
      ...baseColumns(t),
      username: t.string(USER_LENGTHS.username).notNull(),
      usernameKey: t.string(USER_LENGTHS.username).notNull(),
      name: t.string(USER_LENGTHS.name).notNull().default(''),
      /** The name's normalized beginning, for the search. */
      nameKey: t.string(SEARCH_PREFIX_LENGTH).notNull().default(''),
      email: t.string(USER_LENGTHS.email),
      emailKey: t.string(USER_LENGTHS.email),
      /** Absent when the user can't sign in with a password. */
      passwordHash: t.string(255),
      active: t.flag().notNull().default(true),
      rightsVersion: rightsVersion(t),
      lastSignInAt: t.instant(),
    },
    (users) => [
      t.uniqueIndex('users_username_key').on(users.usernameKey),
      t.uniqueIndex('users_email_key').on(users.emailKey),
      t.index('users_name_key').on(users.nameKey, users.id),
      t.index('users_active').on(users.active, users.id),
    ],
  );

export type UsersTable = ReturnType<typeof defineUsers>;
