/**
 * Users: who can sign in. A name and an e-mail address are kept as they were written, and beside them as keys that
 * are compared (see text.ts), so that Ann and ANN are one user on every engine.
 */

import { SEARCH_PREFIX_LENGTH } from '../identifiers.ts';
import { baseColumns, rightsVersion } from './base.ts';
import type { ColumnTypes } from './column-types.ts';

/** The longest texts, in characters. The API's schemas take theirs from here. */
export const USER_LENGTHS = { username: 64, name: 200, email: 254 };

export const defineUsers = (t: ColumnTypes) =>
  t.table(
    'users',
    {
      ...baseColumns(t),
      username: t.string(USER_LENGTHS.username).notNull(),
      usernameKey: t.string(USER_LENGTHS.username).notNull(),
      name: t.string(USER_LENGTHS.name).notNull().default(''),
      /** The beginning of the name, as it is looked for. */
      nameKey: t.string(SEARCH_PREFIX_LENGTH).notNull().default(''),
      email: t.string(USER_LENGTHS.email),
      emailKey: t.string(USER_LENGTHS.email),
      /** Absent while the user can't sign in with a password. */
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
