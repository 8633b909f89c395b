/** Who runs the commands, for the rules and the audit trail; and how they find users and groups by name. */
import { hostname, userInfo } from 'node:os';
import type { Actor } from '../accounts/actor.ts';
import type { Database } from '../db/database.ts';
import type { GroupRow } from '../db/queries/groups.ts';
import { EVERYTHING } from '../db/queries/permissions.ts';
import type { UserDetailRow } from '../db/queries/users.ts';
import { normalizeIdentifier } from '../db/text.ts';

/** The operator may do everything; the audit trail names them as the operating system does. */
export const operator: Actor = {
  kind: 'operator',
  user: null,
  method: 'manage',
  credential: null,
  permissions: [EVERYTHING],
  address: '',
  userAgent: `${systemUser()}@${hostname()}`,
  requestId: '',
  // Commands print what they have done.
  log: { info() {} },
  refusals: null,
};

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    // In a container a process may have a user id without a name.
    return String(process.getuid?.() ?? 'unknown');
  }
}

/** @returns the user of that name or e-mail address. @throws when there is none. */
export async function findUser(db: Database, name: string): Promise<UserDetailRow> {
  const found = await db.users.findCredentials(name);
  const row = found && (await db.users.find(found.id));
  if (row) return row;
  throw new Error(
    `There is no user ${JSON.stringify(name)}. "npm run manage -- user list" tells who there is.`,
  );
}

/**
 * For commands that give something to the user: nobody has proved that an e-mail address is theirs.
 * @param typed what the user was found by. @returns the username, and the address if they were found by it.
 */
export function nameOfRecipient({ username, email }: UserDetailRow, typed: string): string {
  if (!normalizeIdentifier(typed).includes('@')) return username;
  return `${username} (found by the address ${email}, which is not proved)`;
}

/** @returns the group of that name. @throws when there is none. */
export async function findGroup(db: Database, name: string): Promise<GroupRow> {
  const row = await db.groups.findByName(name);
  if (row) return row;
  throw new Error(
    `There is no group ${JSON.stringify(name)}. "npm run manage -- group list" tells which there are.`,
  );
}
