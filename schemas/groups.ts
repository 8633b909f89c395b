/** How a group and its members appear in the API. */
import { type Static, Type } from 'typebox';
import type { GroupRow } from '../db/queries/groups.ts';
import type { MemberRow, UserGroupRow } from '../db/queries/memberships.ts';
import { GROUP_LENGTHS } from '../db/schema/groups.ts';
import { Id, Instant, SingleLineText } from './common.ts';
import { instant } from './instant.ts';
import { PasswordSetBy, passwordSetByJson } from './users.ts';

export const GroupName = Type.String({
  minLength: 1,
  maxLength: GROUP_LENGTHS.name,
  pattern: '^[a-z0-9][a-z0-9._-]*$',
  rule: 'a name of lower-case letters, digits, dots, dashes and underscores that begins with a letter or digit',
});

export const GroupTitle = SingleLineText({ maxLength: GROUP_LENGTHS.title });

export const Permission = Type.String({
  maxLength: GROUP_LENGTHS.permission,
  pattern: '^(\\*|[a-z]+(-[a-z]+)*:[a-z]+(-[a-z]+)*)$',
  rule: 'a permission, such as users:write, or * for all of them',
});

export const MAX_PERMISSIONS = 100;

export const Permissions = Type.Array(Permission, { maxItems: MAX_PERMISSIONS, uniqueItems: true });

export const Group = Type.Object({
  id: Id,
  name: Type.String(),
  title: Type.String(),
  permissions: Type.Array(Type.String()),
  createdAt: Instant,
  updatedAt: Instant,
});

/** @returns the row as the API shows it. */
export function groupJson(row: GroupRow): Static<typeof Group> {
  return {
    id: row.id,
    name: row.name,
    title: row.title,
    permissions: row.permissions,
    createdAt: instant(row.createdAt),
    updatedAt: instant(row.updatedAt),
  };
}

export const Role = Type.Enum(['member', 'manager']);

export const Member = Type.Object({
  user: Type.Object({ id: Id, username: Type.String(), name: Type.String() }),
  role: Type.String(),
  createdAt: Instant,
  passwordSetBy: PasswordSetBy,
});

/** @returns the row as the API shows it. */
export function memberJson(row: MemberRow): Static<typeof Member> {
  const { id, username, name } = row;
  return {
    user: { id, username, name },
    role: row.role,
    createdAt: instant(row.createdAt),
    passwordSetBy: passwordSetByJson(row),
  };
}

/** A group that a user belongs to. */
export const UserGroup = Type.Object({
  group: Type.Object({ id: Id, name: Type.String(), title: Type.String() }),
  role: Type.String(),
  createdAt: Instant,
});

/** @returns the row as the API shows it. */
export function userGroupJson(row: UserGroupRow): Static<typeof UserGroup> {
  const { id, name, title } = row;
  return { group: { id, name, title }, role: row.role, createdAt: instant(row.createdAt) };
}
