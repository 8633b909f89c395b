/** How commands change things: what they find by name, and how the audit trail tells who did it. */
import { randomUUIDv7 } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import type { Database } from '../db/database.ts';
import type { Write } from '../db/engine.ts';
import type { AuditEntry } from '../db/queries/audit.ts';
import type { GroupRow } from '../db/queries/groups.ts';
import type { UserRow } from '../db/queries/users.ts';

/** What happened; the rest of an entry is the same for all commands. */
type Happening = Pick<AuditEntry, 'event'> & Partial<Pick<AuditEntry, 'target' | 'before' | 'after'>>;

/** @returns the write that tells of a change: to be put into the same list as the change. */
export function entry(db: Database, happening: Happening): Write {
  return db.audit.add({
    target: null,
    before: null,
    after: null,
    ...happening,
    id: randomUUIDv7(),
    at: Date.now(),
    actor: null,
    via: 'manage',
    address: '',
    userAgent: operator(),
    requestId: '',
  });
}

/** @throws when a change did not take effect because others changed or removed the same thing. */
export async function insist(done: Promise<boolean>): Promise<void> {
  if (await done) return;
  throw new Error(
    'Nothing was changed: somebody else has changed or removed the same thing just now. Look, and try again.',
  );
}

/** Carries out all the writes, or none. @throws as `insist` does. */
export function carryOut(db: Database, writes: Write[]): Promise<void> {
  return insist(db.atomically(writes).then((missed) => missed === undefined));
}

/** @returns who runs the command, as the operating system knows them. */
function operator(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // In a container a process may have a user id that nobody has given a name.
    return `${process.getuid?.() ?? 'unknown'}@${hostname()}`;
  }
}

/** @returns the user of that name or e-mail address. @throws when there is none. */
export async function findUser(db: Database, name: string): Promise<UserRow> {
  const found = await db.users.findCredentials(name);
  const row = found && (await db.users.find(found.id));
  if (row) return row;
  throw new Error(
    `There is no user ${JSON.stringify(name)}. "npm run manage -- user list" tells who there is.`,
  );
}

/** @returns the group of that name. @throws when there is none. */
export async function findGroup(db: Database, name: string): Promise<GroupRow> {
  const row = await db.groups.findByName(name);
  if (row) return row;
  throw new Error(
    `There is no group ${JSON.stringify(name)}. "npm run manage -- group list" tells which there are.`,
  );
}
