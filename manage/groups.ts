/** manage group: groups, the permissions that they carry, and who belongs to them. */
import { randomUUIDv7 } from 'node:crypto';
import type { Command } from 'commander';
import { keepAdministrator } from '../db/administrators.ts';
import type { Database } from '../db/database.ts';
import { DuplicateError, type Write } from '../db/engine.ts';
import { type Target, targetOf } from '../db/queries/audit.ts';
import type { Role } from '../db/queries/memberships.ts';
import { GroupName, GroupTitle, groupJson, Permission, Permissions } from '../schemas/groups.ts';
import { carryOut, entry, findGroup, findUser, insist } from './changes.ts';
import { check, print, withDatabase } from './context.ts';
import { everyRow, printEach, withJson } from './lists.ts';

interface NewGroup {
  name: string;
  title: string;
  permissions: string[];
}

export function addGroupCommands(program: Command): void {
  const group = program.command('group').description('groups, what they may do, and who belongs to them');

  group
    .command('create <name>')
    .description('make a group')
    .option('--title <text>', 'what people call it', '')
    .option('--permission <permission...>', 'what its members may do, such as users:write', [])
    .action(async (name: string, options: { title: string; permission: string[] }) => {
      const made = { name, title: options.title, permissions: [...new Set(options.permission)] };
      check('name', GroupName, name);
      check('title', GroupTitle, made.title);
      checkPermissions(made.permissions);
      await withDatabase((db) => create(db, made));
    });

  withJson(group.command('list'))
    .description('list all groups with their permissions')
    .action((options: { json: boolean }) =>
      withDatabase((db) =>
        printEach(
          everyRow((after, limit) => db.groups.page(after, limit)),
          options,
          groupJson,
          ({ id, name, title, permissions }) =>
            [id, name, permissions.join(' ') || 'no permissions', title].filter(Boolean).join('  '),
        ),
      ),
    );

  group
    .command('add <group> <user>')
    .description('let a user belong to a group, as a member; or change their role')
    .option('--manager', 'let them manage its members, too', false)
    .action((name: string, username: string, { manager }: { manager: boolean }) =>
      withDatabase((db) => add(db, name, username, manager ? 'manager' : 'member')),
    );

  group
    .command('remove <group> <user>')
    .description('let a user not belong to a group any more')
    .action((name: string, username: string) => withDatabase((db) => remove(db, name, username)));
}

/** @throws when one of them is none. */
export function checkPermissions(permissions: string[]): void {
  for (const permission of permissions) check('permission', Permission, permission);
  check('list of permissions', Permissions, permissions);
}

async function create(db: Database, group: NewGroup): Promise<void> {
  const id = randomUUIDv7();
  const target: Target = { kind: 'group', id, name: group.name };
  try {
    await carryOut(db, [
      ...db.groups.add({ id, ...group }, Date.now()),
      entry(db, { event: 'group-created', target, after: { ...group } }),
    ]);
  } catch (error) {
    if (!(error instanceof DuplicateError)) throw error;
    throw new Error(`There is a group of the name ${group.name} already.`);
  }
  print(`created the group ${group.name} (${id})`);
}

async function add(db: Database, name: string, username: string, role: Role): Promise<void> {
  const group = await findGroup(db, name);
  const user = await findUser(db, username);
  const before = await db.memberships.role(group.id, user.id);
  await carryOut(db, putMember(db, group, targetOf(user), role, before));
  print(`${user.username} is a ${role} of ${group.name}${before ? ` (before: ${before})` : ''}`);
}

/** @returns the writes that let the user belong to the group in that role. @param before the role until now. */
export function putMember(
  db: Database,
  group: { id: string; name: string },
  user: Target,
  role: Role,
  before: string | undefined,
): Write[] {
  return [
    ...db.memberships.put({ groupId: group.id, userId: user.id, role }, Date.now()),
    // But the operator's own: who has issued another one may hold less than the group carries.
    db.codes.removeOf(user.id, ''),
    entry(db, {
      event: 'membership-set',
      target: user,
      before: { group: group.name, role: before ?? null },
      after: { group: group.name, role },
    }),
  ];
}

async function remove(db: Database, name: string, username: string): Promise<void> {
  const group = await findGroup(db, name);
  const user = await findUser(db, username);
  const role = await db.memberships.role(group.id, user.id);
  if (!role) throw new Error(`${user.username} does not belong to ${group.name}.`);
  await insist(
    keepAdministrator(db, [
      db.memberships.remove(group.id, user.id),
      entry(db, {
        event: 'membership-removed',
        target: targetOf(user),
        before: { group: group.name, role },
      }),
    ]),
  );
  print(`${user.username} does not belong to ${group.name} any more`);
}
