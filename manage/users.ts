/** manage user: who there is, and their upkeep. Making users is in user-create.ts. */

import { type Command, Option } from 'commander';
import { keepAdministrator } from '../db/administrators.ts';
import type { Database } from '../db/database.ts';
import { editPersistently } from '../db/edit.ts';
import { targetOf } from '../db/queries/audit.ts';
import type { UserRow } from '../db/queries/users.ts';
import { makeHashing } from '../plugins/hashing.ts';
import { issueCode, RESET_LIFETIME } from '../routes/api/users/codes.ts';
import { differences } from '../schemas/audit.ts';
import { Line } from '../schemas/common.ts';
import { userGroupJson } from '../schemas/groups.ts';
import { tokenJson } from '../schemas/tokens.ts';
import { userJson } from '../schemas/users.ts';
import { carryOut, entry, findUser, insist } from './changes.ts';
import { check, print, printSecret, withDatabase } from './context.ts';
import { everyRow, PAGE, printEach, withJson } from './lists.ts';
import { readPassword } from './password.ts';
import { tokenLine } from './tokens.ts';
import { ADMINISTRATORS, checkUser, createUser, type NewUser } from './user-create.ts';

const FROM_STANDARD_INPUT = 'read the password from standard input instead of asking';

/** What users can be looked for by. */
const Beginning = Line({ minLength: 1, maxLength: 64 });

export function addUserCommands(program: Command): void {
  const user = program.command('user').description('users; they are named by their name or e-mail address');

  user
    .command('create <name>')
    .description('make a user; asks for the password')
    .option('--admin', `let them do everything: puts them into the group ${ADMINISTRATORS}`, false)
    .option('--name <text>', 'what people call them', '')
    .option('--email <address>', 'their e-mail address')
    .addOption(
      new Option(
        '--code',
        'ask for no password: print a one-time code, on standard output alone, with which they set it',
      )
        .default(false)
        .conflicts('passwordStdin'),
    )
    .option('--password-stdin', FROM_STANDARD_INPUT, false)
    .action(async (username: string, options: Omit<NewUser, 'username' | 'email'> & { email?: string }) => {
      const made = { ...options, username, email: options.email ?? null };
      checkUser(made);
      await withDatabase((db) => createUser(db, made));
    });

  withJson(user.command('list'))
    .description('list users')
    .option('--q <beginning>', 'only those whose name, username or e-mail address begins with it')
    .action(async (options: { json: boolean; q?: string }) => {
      const { q } = options;
      if (q !== undefined) check('beginning', Beginning, q);
      await withDatabase((db) => {
        const rows =
          q === undefined ? everyRow((after, limit) => db.users.page(after, limit)) : beginningWith(db, q);
        return printEach(rows, options, userJson, line);
      });
    });

  withJson(user.command('show <name>'))
    .description('tell all about a user: groups, number of living sessions, tokens')
    .action((name: string, { json }: { json: boolean }) => withDatabase((db) => show(db, name, json)));

  user
    .command('password <name>')
    .description('set the password of a user, which ends their sessions; asks for it')
    .option('--password-stdin', FROM_STANDARD_INPUT, false)
    .action((name: string, { passwordStdin }: { passwordStdin: boolean }) =>
      withDatabase((db) => setPassword(db, name, passwordStdin)),
    );

  user
    .command('code <name>')
    .description('print a one-time code, on standard output alone, with which the user sets a password')
    .action((name: string) => withDatabase((db) => printCode(db, name)));

  user
    .command('enable <name>')
    .description('let a disabled user sign in again')
    .action((name: string) => withDatabase((db) => setActive(db, name, true)));

  user
    .command('disable <name>')
    .description('let a user do nothing any more, and end their sessions')
    .action((name: string) => withDatabase((db) => setActive(db, name, false)));

  user
    .command('delete <name>')
    .description('remove a user with their sessions, tokens and memberships; this can not be taken back')
    .action((name: string) => withDatabase((db) => remove(db, name)));
}

function line({ id, username, active, name }: ReturnType<typeof userJson>): string {
  return `${id}  ${active ? 'active  ' : 'disabled'}  ${username}${name ? `  ${name}` : ''}`;
}

async function* beginningWith(db: Database, q: string): AsyncGenerator<UserRow> {
  let after: { key: string; id: string } | undefined;
  do {
    const { rows, next } = await db.userSearch.beginningWith(q, {}, after, PAGE);
    yield* rows;
    after = next ?? undefined;
  } while (after);
}

async function show(db: Database, name: string, json: boolean): Promise<void> {
  const row = await findUser(db, name);
  const now = Date.now();
  const [groups, sessions, tokens] = await Promise.all([
    Array.fromAsync(
      everyRow((after, limit) => db.memberships.pageOfUser(row.id, after, limit)),
      userGroupJson,
    ),
    Array.fromAsync(everyRow((after, limit) => db.sessions.page(row.id, after, limit, now))),
    Array.fromAsync(
      everyRow((after, limit) => db.tokens.page(row.id, after, limit)),
      tokenJson,
    ),
  ]);
  const fields = userJson(row);
  if (json) return print(JSON.stringify({ ...fields, groups, sessions: sessions.length, tokens }));
  for (const [field, value] of Object.entries({ ...fields, sessions: sessions.length })) {
    print(`${field.padEnd(12)}  ${value === null || value === '' ? '-' : value}`);
  }
  for (const { group, role } of groups) print(`group         ${group.name}  ${role}`);
  for (const token of tokens) print(`token         ${tokenLine(token)}`);
}

async function setPassword(db: Database, name: string, fromStandardInput: boolean): Promise<void> {
  const user = await findUser(db, name);
  const passwordHash = await (await makeHashing()).hash(await readPassword(fromStandardInput));
  await carryOut(db, [
    db.users.setPassword(user.id, passwordHash, Date.now()),
    db.sessions.endAllOf(user.id),
    db.codes.removeAllOf(user.id),
    entry(db, { event: 'password-reset', target: targetOf(user) }),
  ]);
  print(`set the password of ${user.username}; their sessions have ended, their tokens have not`);
}

async function printCode(db: Database, name: string): Promise<void> {
  const user = await findUser(db, name);
  const { writes, shown } = issueCode(db, user.id, null, RESET_LIFETIME);
  const { code, expiresAt } = shown;
  await carryOut(db, [
    ...writes,
    entry(db, { event: 'code-issued', target: targetOf(user), after: { expiresAt } }),
  ]);
  printSecret(code, `the code with which ${user.username} sets a password, until ${expiresAt}:`);
}

async function setActive(db: Database, name: string, active: boolean): Promise<void> {
  const state = active ? 'enabled' : 'disabled';
  let done = '';
  const change = async (user: UserRow) => {
    done = `${user.username} is ${state}`;
    // A script may ask for it twice.
    if (user.active === active) return true;
    const changes = { active };
    const writes = [
      db.users.change({ ...user, ...changes }, Date.now()),
      entry(db, { event: 'user-changed', target: targetOf(user), ...differences(user, changes) }),
    ];
    if (active) return (await db.atomically(writes)) === undefined;
    return keepAdministrator(db, [...writes, db.sessions.endAllOf(user.id)]);
  };
  await insist(editPersistently(() => findUser(db, name), change));
  print(done);
}

async function remove(db: Database, name: string): Promise<void> {
  let done = '';
  const change = (user: UserRow) => {
    done = `removed ${user.username} (${user.id})`;
    const { username, email, active } = user;
    const before = { username, name: user.name, email, active };
    return keepAdministrator(db, [
      db.users.remove(user),
      entry(db, { event: 'user-deleted', target: targetOf(user), before }),
    ]);
  };
  await insist(editPersistently(() => findUser(db, name), change));
  print(done);
}
