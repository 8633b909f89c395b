/** manage group: groups, the permissions that they carry, and who belongs to them. */
import type { Command } from 'commander';
import { createGroup } from '../../accounts/groups.ts';
import { removeMember, setMember } from '../../accounts/members.ts';
import type { Database } from '../../db/database.ts';
import { GroupName, GroupTitle, groupJson } from '../../schemas/groups.ts';
import { checkEach, permissionChecks } from '../checks.ts';
import { onDatabase, withDatabase } from '../context.ts';
import { everyRow, printEach, withJson } from '../lists.ts';
import { findGroup, findUser, nameOfRecipient, operator } from '../operator.ts';
import { findUnlessRemoved } from '../removed.ts';
import { print } from '../terminal.ts';

export default function addGroupCommands(program: Command): void {
  const group = program.command('group').description('groups, what they may do, and who belongs to them');

  group
    .command('create <name>')
    .description('make a group')
    .option('--title <text>', 'what people call it', '')
    .option('--permission <permission...>', 'what its members may do, such as users:write', [])
    .action(create);

  withJson(group.command('list'))
    .description('list all groups with their permissions')
    .action(onDatabase(list));

  group
    .command('add <group> <user>')
    .description('let a user belong to a group, as a member; or change their role')
    .option('--manager', 'let them manage its members, too', false)
    .action(onDatabase(add));

  group
    .command('remove <group> <user>')
    .description('let a user not belong to a group any more')
    .action(onDatabase(remove));
}

async function create(name: string, options: { title: string; permission: string[] }): Promise<void> {
  const { title } = options;
  const permissions = [...new Set(options.permission)];
  checkEach(['name', GroupName, name], ['title', GroupTitle, title], ...permissionChecks(permissions));
  await withDatabase(async (db) => {
    if (await db.groups.findByName(name)) throw new Error(`There is a group of the name ${name} already.`);
    const made = await createGroup(db, operator, { name, title, permissions });
    print(`created the group ${made.name} (${made.id})`);
  });
}

async function list(db: Database, options: { json: boolean }): Promise<void> {
  const rows = everyRow((after, limit) => db.groups.page(after, limit));
  await printEach(rows, options, groupJson, ({ id, name, title, permissions }) =>
    [id, name, permissions.join(' ') || 'no permissions', title].filter(Boolean).join('  '),
  );
}

async function add(
  db: Database,
  name: string,
  username: string,
  { manager }: { manager: boolean },
): Promise<void> {
  const role = manager ? 'manager' : 'member';
  const group = await findGroup(db, name);
  const user = await findUser(db, username);
  const { before } = await setMember(db, operator, group.id, user.id, role);
  const who = nameOfRecipient(user, username);
  print(`${who} is a ${role} of ${group.name}${before ? ` (before: ${before})` : ''}`);
}

async function remove(db: Database, name: string, username: string): Promise<void> {
  const group = await findUnlessRemoved(db, name, findGroup, 'group-deleted');
  if (!group) return print(`${name} was removed before, with all members`);
  const user = await findUnlessRemoved(db, username, findUser, 'user-deleted');
  if (!user) return print(`${username} was removed before, from all groups`);
  const isMember = await db.memberships.role(group.id, user.id);
  if (isMember) await removeMember(db, operator, group.id, user.id);
  print(`${user.username} does not belong to ${group.name}${isMember ? ' any more' : ''}`);
}
