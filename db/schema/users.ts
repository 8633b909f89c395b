/**
 * Users: who can sign in. A name and an e-mail address are kept as they were written, and beside them as keys that
 * are compared (see text.ts), so that Ann and ANN are one user on every engine.
 */
import type { Vocabulary } from '../vocabulary.ts';
import { baseColumns } from './base.ts';

export const defineUsers = (v: Vocabulary) =>
  v.table(
    'users',
    {
      ...baseColumns(v),
      username: v.string(64).notNull(),
      usernameKey: v.string(64).notNull(),
      name: v.string(200).notNull().default(''),
      /** The beginning of the name, as it is looked for. */
      nameKey: v.string(64).notNull().default(''),
      email: v.string(254),
      emailKey: v.string(254),
      /** Absent while the user can't sign in with a password. */
      passwordHash: v.string(255),
      active: v.flag().notNull().default(true),
      lastSignInAt: v.instant(),
    },
    (users) => [
      v.uniqueIndex('users_username_key').on(users.usernameKey),
      v.uniqueIndex('users_email_key').on(users.emailKey),
      v.index('users_name_key').on(users.nameKey, users.id),
      v.index('users_active').on(users.active, users.id),
    ],
  );

export type UsersTable = ReturnType<typeof defineUsers>;
