/** manage user: makes and lists users, the first administrator among them. */
import { randomUUIDv7 } from 'node:crypto';
import type { Command } from 'commander';
import type { Database } from '../db/database.ts';
import { DuplicateError, type Write } from '../db/engine.ts';
import { EVERYTHING } from '../db/queries/permissions.ts';
import type { UserRow } from '../db/queries/users.ts';
import { argon2Passwords } from '../plugins/passwords.ts';
import { Username, userJson } from '../schemas/users.ts';
import { complaint } from '../schemas/validator.ts';
import { print, withDatabase } from './context.ts';
import { readPassword } from './password.ts';

/** The group that administrators belong to. */
const ADMINISTRATORS = 'admins';
const PAGE = 500;

export function addUserCommands(program: Command): void {
  const user = program.command('user').description('users');

  user
    .command('create <name>')
    .description('make a user; asks for the password')
    .option('--admin', `let them do everything: puts them into the group ${ADMINISTRATORS}`, false)
    .option('--password-stdin', 'read the password from standard input instead of asking', false)
    .action(async (username: string, options: { admin: boolean; passwordStdin: boolean }) => {
      const wrong = complaint(Username, username);
      if (wrong) throw new Error(`The name ${wrong}.`);
      await withDatabase((db) => create(db, username, options));
    });

  user
    .command('list')
    .description('list all users')
    .option('--json', 'one JSON object a line', false)
    .action((options: { json: boolean }) => withDatabase((db) => list(db, options.json)));
}

async function create(
  db: Database,
  username: string,
  { admin, passwordStdin }: { admin: boolean; passwordStdin: boolean },
): Promise<void> {
  const taken = () => new Error(`There is a user of the name ${username} already.`);
  // Before anybody is asked for a password in vain.
  if (await db.users.findCredentials(username)) throw taken();
  const password = await readPassword(passwordStdin);
  const id = randomUUIDv7();
  const now = Date.now();
  const passwordHash = await (await argon2Passwords()).hash(password);
  const user = db.users.add({ id, username, name: '', email: null, active: true, passwordHash }, now);
  try {
    await db.atomically([user, ...(admin ? await makeAdministrator(db, id, now) : [])]);
  } catch (error) {
    throw error instanceof DuplicateError ? taken() : error;
  }
  print(`created ${username}${admin ? ', an administrator' : ''} (${id})`);
}

/** @returns writes that make the user an administrator, and the administrators' group if there is none. */
async function makeAdministrator(db: Database, userId: string, now: number): Promise<Write[]> {
  const group = await db.groups.findByName(ADMINISTRATORS);
  if (group && !group.permissions.includes(EVERYTHING)) {
    throw new Error(
      `The group ${ADMINISTRATORS} exists, but does not carry every permission (${EVERYTHING}).`,
    );
  }
  const groupId = group?.id ?? randomUUIDv7();
  const made = { id: groupId, name: ADMINISTRATORS, title: 'Administrators', permissions: [EVERYTHING] };
  return [
    ...(group ? [] : db.groups.add(made, now)),
    ...db.memberships.put({ groupId, userId, role: 'manager' }, now),
  ];
}

async function list(db: Database, json: boolean): Promise<void> {
  let page: UserRow[] = [];
  do {
    page = await db.users.page(page.at(-1)?.id ?? '', PAGE);
    for (const row of page) print(json ? JSON.stringify(userJson(row)) : line(row));
  } while (page.length === PAGE);
}

function line({ id, username, active, name }: UserRow): string {
  return `${id}  ${active ? 'active  ' : 'disabled'}  ${username}${name ? `  ${name}` : ''}`;
}
