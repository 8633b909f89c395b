/** How a user appears in the API. */
import { type Static, Type } from 'typebox';
import type { Visibility } from '../accounts/visibility.ts';
import { SHORTEST_PASSWORD } from '../config/schema.ts';
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

/** A password that a user is to have. What else it must be is checked with the settings and the user's name (accounts/password-rules.ts). */
export const NewPassword = Password({
  minLength: SHORTEST_PASSWORD,
  description:
    'The service may ask for more characters. It refuses common passwords, those that are known from breaches, and those that contain the username, the e-mail address up to the @ or the name of the service.',
});

export const DisplayName = SingleLineText({ maxLength: USER_LENGTHS.name });

export const User = Type.Object({
  id: Id,
  username: Type.String(),
  name: Type.String(),
  active: Type.Boolean(),
  createdAt: Instant,
  updatedAt: Instant,
  /** For the user, and for holders of users:read-private or users:write; absent for others. */
  email: Type.Optional(Nullable(Type.String())),
  /** The address that users gave themselves, until it is confirmed. For the user, and for holders of users:write; absent for others. */
  pendingEmail: Type.Optional(Nullable(Type.String())),
  /** Shown to whom `email` is shown. */
  lastSignInAt: Type.Optional(Nullable(Instant)),
});

/** @returns the row as the API shows it to a caller who sees so much of it. */
export function userJson(
  row: UserRow,
  { privateFields, pendingEmail }: Omit<Visibility, 'passwordSetter'>,
): Static<typeof User> {
  const json: Static<typeof User> = {
    id: row.id,
    username: row.username,
    name: row.name,
    active: row.active,
    createdAt: instant(row.createdAt),
    updatedAt: instant(row.updatedAt),
  };
  // One by one: to spread objects would cost twice as much as all the rest, for each user of a list.
  if (privateFields) json.email = row.email;
  if (pendingEmail) json.pendingEmail = row.pendingEmail;
  if (privateFields) json.lastSignInAt = row.lastSignInAt === null ? null : instant(row.lastSignInAt);
  return json;
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

/** @returns the row as the API shows it to a caller who sees so much of it. */
export function userDetailJson(row: UserDetailRow, visibility: Visibility): Static<typeof UserDetail> {
  const setter = visibility.passwordSetter ? { passwordSetBy: passwordSetByJson(row) } : {};
  return { ...userJson(row, visibility), ...setter };
}
