/** How a user appears in the API. */
import { type Static, Type } from 'typebox';
import type { UserDetailRow, UserRow } from '../db/queries/users.ts';
import { USER_LENGTHS } from '../db/schema/users.ts';
import { Id, Instant, Nullable, NullableObject, Password, SingleLineText } from './common.ts';
import { instant } from './instant.ts';

const USERNAME = '^(?!\\.{1,2}$)[^\\s@/?#%\\\\\\p{C}\\p{DI}]+$';
const EMAIL = '^[^\\s@\\p{C}\\p{DI}]+@[^\\s@\\p{C}\\p{DI}]+$';

/**
 * Without spaces, invisible characters and @, so that no username looks like an e-mail address, and without what can't be put into
 * a path by hand. Users whose names an earlier version allowed keep them.
 */
export const Username = Type.String({
  minLength: 1,
  maxLength: USER_LENGTHS.username,
  pattern: USERNAME,
  identifier: { maxLength: USER_LENGTHS.username, pattern: USERNAME },
  rule: 'a name without spaces, invisible characters and any of @ / \\ ? # %, and not . or ..',
});

export const Email = Type.String({
  maxLength: USER_LENGTHS.email,
  pattern: EMAIL,
  identifier: { maxLength: USER_LENGTHS.email, pattern: EMAIL, email: true },
  rule: 'an e-mail address',
});

/** A password that a user may choose. */
export const NewPassword = Password({ minLength: 8 });

export const DisplayName = SingleLineText({ maxLength: USER_LENGTHS.name });

export const User = Type.Object({
  id: Id,
  username: Type.String(),
  name: Type.String(),
  email: Nullable(Type.String()),
  active: Type.Boolean(),
  createdAt: Instant,
  updatedAt: Instant,
  lastSignInAt: Nullable(Instant),
});

/** @returns the row as the API shows it. */
export function userJson(row: UserRow): Static<typeof User> {
  return {
    id: row.id,
    username: row.username,
    name: row.name,
    email: row.email,
    active: row.active,
    createdAt: instant(row.createdAt),
    updatedAt: instant(row.updatedAt),
    lastSignInAt: row.lastSignInAt === null ? null : instant(row.lastSignInAt),
  };
}

/** Who set the password last; null when there is none yet, or when an earlier version set it. */
export const PasswordSetBy = NullableObject({
  /** self: by the old password, or at sign-up; user: who made the account; code: a one-time code; operator: a command. */
  by: Type.Enum(['self', 'user', 'code', 'operator']),
  /** Who made the account, or issued the code. Absent for the operator. */
  userId: Type.Optional(Id),
  at: Instant,
});

export const UserDetail = Type.Object({
  ...User.properties,
  /** For those who may make users, or say who belongs to groups. */
  passwordSetBy: Type.Optional(PasswordSetBy),
});

type PasswordColumns = Pick<UserDetailRow, 'passwordSetBy' | 'passwordSetById' | 'passwordSetAt'>;

/** @returns who set the password, as the API shows it. */
export function passwordSetByJson(row: PasswordColumns): Static<typeof PasswordSetBy> {
  const { passwordSetBy: by, passwordSetById: userId, passwordSetAt: at } = row;
  if (by === null || at === null) return null;
  return { by, ...(userId === null ? {} : { userId }), at: instant(at) };
}

/** @returns the row as the API shows it. @param withSetter whether the caller sees who set the password. */
export function userDetailJson(row: UserDetailRow, withSetter: boolean): Static<typeof UserDetail> {
  return { ...userJson(row), ...(withSetter ? { passwordSetBy: passwordSetByJson(row) } : {}) };
}
