/** manage user: users, the first administrator among them. */
import { type Command, Option } from 'commander';
import { issueCode, withdrawCode } from '../../accounts/codes.ts';
import { ADMINISTRATORS, createAdministrator } from '../../accounts/first-administrator.ts';
import { listEnds } from '../../accounts/follow-ups.ts';
import { type PasswordOwner, withPasswordRules } from '../../accounts/password-rules.ts';
import { makeHashing } from '../../accounts/passwords/hashing.ts';
import { setPassword } from '../../accounts/passwords.ts';
import { takenFields } from '../../accounts/taken.ts';
import { changeUser, createUser, deleteUser } from '../../accounts/users.ts';
import { visibilityFor } from '../../accounts/visibility.ts';
import type { Database } from '../../db/database.ts';
import { SingleLineText } from '../../schemas/common.ts';
import { userGroupJson } from '../../schemas/groups.ts';
import { instant } from '../../schemas/instant.ts';
import {
  DisplayName,
  Email,
  type passwordSetByJson,
  Username,
  userDetailJson,
  userJson,
} from '../../schemas/users.ts';
import { checkEach } from '../checks.ts';
import { commandSettings, onDatabase, withDatabase } from '../context.ts';
import { everyRow, printEach, usersBeginningWith, withJson } from '../lists.ts';
import { findUser, nameOfRecipient, operator } from '../operator.ts';
import { readPassword } from '../password.ts';
import { findUnlessRemoved } from '../removed.ts';
import { showSecret } from '../secrets.ts';
import { print } from '../terminal.ts';
import { readUserDetails } from '../user-details.ts';

/** What the operator ends by setting a password. */
const whatEnds = () => listEnds('password-reset', 'sessions', 'one-time codes');

const FROM_STANDARD_INPUT = 'read the password from standard input instead of asking';

interface NewUserOptions {
  admin: boolean;
  name: string;
  email?: string;
  /** Whether they get a one-time code, with which they set the password. */
  code: boolean;
  /** Whether the password is on standard input. */
  passwordStdin: boolean;
}

const shownTo = visibilityFor(operator);

/** What users can be looked for by. */
const Beginning = SingleLineText({ minLength: 1, maxLength: 64 });

export default function addUserCommands(program: Command): void {
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
    .action(create);

  withJson(user.command('list'))
    .description('list users')
    .option('--q <beginning>', 'only those whose name, username or e-mail address begins with it')
    .action(list);

  withJson(user.command('show <name>'))
    .description('tell all about a user: their groups, how many sessions live, and what else is theirs')
    .action(onDatabase(show));

  user
    .command('password <name>')
    .description(`set the password of a user, which ends their ${whatEnds()}; asks for it`)
    .option('--password-stdin', FROM_STANDARD_INPUT, false)
    .action(onDatabase(changePassword));

  user
    .command('code <name>')
    .description('print a one-time code, on standard output alone, with which the user sets a password')
    .action(onDatabase(printCode));

  user
    .command('email <name> [address]')
    .description(
      'give a user an e-mail address, such as the one that they gave themselves and that is pending',
    )
    .option('--none', 'take it away, and the pending one', false)
    .action(changeEmail);

  user
    .command('enable <name>')
    .description('let a disabled user sign in again')
    .action(onDatabase((db, name: string) => setActive(db, name, true)));

  user
    .command('disable <name>')
    .description('let a user do nothing any more, and end their sessions')
    .action(onDatabase((db, name: string) => setActive(db, name, false)));

  user
    .command('delete <name>')
    .description(
      'remove a user with all that is theirs: sessions, memberships and the rest; this can not be taken back',
    )
    .action(onDatabase(remove));
}

async function list(options: { json: boolean; q?: string }): Promise<void> {
  const { q } = options;
  checkEach(['beginning', Beginning, q]);
  await withDatabase((db) => {
    const rows =
      q === undefined ? everyRow((after, limit) => db.users.page(after, limit)) : usersBeginningWith(db, q);
    return printEach(rows, options, (row) => userJson(row, shownTo(row.id)), formatRow);
  });
}

function formatRow({ id, username, active, name }: ReturnType<typeof userJson>): string {
  return `${id}  ${active ? 'active  ' : 'disabled'}  ${username}${name ? `  ${name}` : ''}`;
}

async function show(db: Database, name: string, { json }: { json: boolean }): Promise<void> {
  const row = await findUser(db, name);
  const now = Date.now();
  const [groups, sessions, details] = await Promise.all([
    Array.fromAsync(
      everyRow((after, limit) => db.memberships.pageOfUser(row.id, after, limit)),
      userGroupJson,
    ),
    Array.fromAsync(everyRow((after, limit) => db.sessions.page(row.id, after, limit, now))),
    readUserDetails(db, row.id),
  ]);
  const { passwordSetBy, ...fields } = userDetailJson(row, shownTo(row.id));
  if (json) {
    return print(
      JSON.stringify({ ...fields, passwordSetBy, groups, sessions: sessions.length, ...details.json }),
    );
  }
  for (const [field, value] of Object.entries({ ...fields, sessions: sessions.length })) {
    print(`${field.padEnd(12)}  ${value === null || value === '' ? '-' : value}`);
  }
  print(`password      ${formatSetter(passwordSetBy ?? null)}`);
  for (const { group, role } of groups) print(`group         ${group.name}  ${role}`);
  for (const line of details.lines) print(line);
}

function formatSetter(setter: ReturnType<typeof passwordSetByJson>): string {
  if (setter === null) return 'set by nobody, or by an earlier version';
  const { by, userId, at } = setter;
  const whose = { self: 'the user', user: 'user', code: 'a code of', operator: 'the operator' }[by];
  const issuer = userId ?? (by === 'code' ? 'the operator' : '');
  return `set by ${[whose, issuer].filter(Boolean).join(' ')}, ${at}`;
}

async function create(username: string, options: NewUserOptions): Promise<void> {
  const { name, email = null, admin } = options;
  checkEach(
    ['name', Username, username],
    ['display name', DisplayName, name],
    ['e-mail address', Email, options.email],
  );
  await withDatabase(async (db) => {
    // Before the operator types a password in vain.
    const names = { username: `name ${username}`, email: `e-mail address ${email}` };
    const taken = await takenFields(db, { username, email });
    if (taken.length > 0)
      throw new Error(taken.map((field) => `There is a user of the ${names[field]} already.`).join('\n'));
    const fields = { username, name, email, active: true };
    const passwordHash = options.code ? null : await askForHash(fields, options.passwordStdin);
    const make = admin ? createAdministrator : createUser;
    const { user, code } = await make(db, operator, { ...fields, passwordHash });
    const done = `created ${username}${admin ? ', an administrator' : ''} (${user.id})`;
    if (!code) return print(done);
    const about = `${done}; the code to set the password with, until ${instant(code.expiresAt)}:`;
    await showSecret(code.code, about, () => deleteUser(db, operator, user.id));
  });
}

async function askForHash(owner: PasswordOwner, fromStandardInput: boolean): Promise<string> {
  const password = await readPassword(fromStandardInput);
  return withPasswordRules(await makeHashing(), commandSettings()).hashNew(password, owner);
}

async function changePassword(
  db: Database,
  name: string,
  { passwordStdin }: { passwordStdin: boolean },
): Promise<void> {
  const user = await findUser(db, name);
  await setPassword(db, operator, user.id, await askForHash(user, passwordStdin));
  const who = nameOfRecipient(user, name);
  print(`set the password of ${who}; their ${whatEnds()} have ended, and nothing else has`);
}

async function printCode(db: Database, name: string): Promise<void> {
  const user = await findUser(db, name);
  const { code, expiresAt } = await issueCode(db, operator, user.id);
  const who = nameOfRecipient(user, name);
  const about = `the code with which ${who} sets a password, until ${instant(expiresAt)}:`;
  await showSecret(code, about, () => withdrawCode(db, operator, user.id));
}

async function changeEmail(
  name: string,
  address: string | undefined,
  { none }: { none: boolean },
): Promise<void> {
  if ((address === undefined) !== none) throw new Error('Give either an e-mail address or --none.');
  checkEach(['e-mail address', Email, address]);
  await withDatabase(async (db) => {
    const { id } = await findUser(db, name);
    const { username, email } = await changeUser(db, operator, id, { email: address ?? null });
    print(
      email === null ? `${username} has no e-mail address` : `${username} has the e-mail address ${email}`,
    );
  });
}

async function setActive(db: Database, name: string, active: boolean): Promise<void> {
  const user = await findUser(db, name);
  // Scripts may run it twice.
  if (user.active !== active) await changeUser(db, operator, user.id, { active });
  print(`${user.username} is ${active ? 'enabled' : 'disabled'}`);
}

async function remove(db: Database, name: string): Promise<void> {
  const user = await findUnlessRemoved(db, name, findUser, 'user-deleted');
  if (!user) return print(`${name} was removed before`);
  const { id, username } = await deleteUser(db, operator, user.id);
  print(`removed ${username} (${id})`);
}
