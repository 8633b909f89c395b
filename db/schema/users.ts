/**
 * Users. Names and e-mail addresses are stored as they were entered, and as normalized keys (see text.ts), so that
 * Ann and ANN are one user on both engines.
 */
import { KEY_GROWTH, SEARCH_PREFIX_LENGTH } from '../text.ts';
import { baseColumns, rightsVersion } from './base.ts';
import type { ColumnTypes } from './column-types.ts';

/** In characters. The API's schemas use these limits, too. */
export const USER_LENGTHS = { username: 64, name: 200, email: 254 };

/** Who set a password: the users themselves, by the old one or at sign-up; a user who made them; who had a code; the operator. */
export type PasswordSetterKind = 'self' | 'user' | 'code' | 'operator';

export const defineUsers = (t: ColumnTypes) =>
  t.table(
    'users',
    {
      ...baseColumns(t),
      username: t.string(USER_LENGTHS.username).notNull(),
      usernameKey: t.string(KEY_GROWTH * USER_LENGTHS.username).notNull(),
      /** The beginnings of username, name and e-mail address, for the search. */
      usernameSearchKey: t.string(SEARCH_PREFIX_LENGTH).notNull().default(''),
      name: t.string(USER_LENGTHS.name).notNull().default(''),
      nameKey: t.string(SEARCH_PREFIX_LENGTH).notNull().default(''),
      email: t.string(USER_LENGTHS.email),
      emailKey: t.string(KEY_GROWTH * USER_LENGTHS.email),
      emailSearchKey: t.string(SEARCH_PREFIX_LENGTH),
      /** The address that users gave themselves: nobody has confirmed it yet, and it signs nobody in. */
      pendingEmail: t.string(USER_LENGTHS.email),
      /** Absent when the user can't sign in with a password. */
      passwordHash: t.string(255),
      /** Absent together with `passwordSetAt` when nothing is known of it, as of accounts of earlier versions. */
      passwordSetBy: t.string(16).$type<PasswordSetterKind>(),
      /** The user who set it, or who issued the code. */
      passwordSetById: t.ref(),
      passwordSetAt: t.instant(),
      active: t.flag().notNull().default(true),
      rightsVersion: rightsVersion(t),
      lastSignInAt: t.instant(),
    },
    (users) => [
      t.uniqueIndex('users_username_key').on(users.usernameKey),
      t.uniqueIndex('users_email_key').on(users.emailKey),
      t.index('users_username_search_key').on(users.usernameSearchKey, users.id),
      t.index('users_name_key').on(users.nameKey, users.id),
      t.index('users_email_search_key').on(users.emailSearchKey, users.id),
      t.index('users_active').on(users.active, users.id),
    ],
  );

export type UsersTable = ReturnType<typeof defineUsers>;
