/** A group called admins that does not carry every permission makes nobody an administrator. */
import { commandsOn, fails } from '../support/commands.ts';
import { onEachEngine } from '../support/engines.ts';
import { makeUser, quickHashing, startService } from '../support/service.ts';

onEachEngine('user create --admin, where the group admins does not carry *', async (t, engine) => {
  const { app, settings } = await startService(t, engine, { hashing: quickHashing });
  const { db } = app;
  await makeUser(app, 'chief', { admin: true });
  const group = await db.groups.findByName('admins');
  if (!group) throw new Error('There is no group admins.');
  const command = commandsOn(settings.DATABASE_URL);
  const create = () => command(['user', 'create', 'ann', '--admin', '--code']);

  await db.atomically(db.groups.setPermissions(group.id, ['users:write']));
  fails(t, await create(), /^manage: The group admins exists, but does not carry every permission \(\*\)\./);
  t.equal(await db.users.findCredentials('ann'), undefined, 'and no user is made');

  await db.atomically(db.groups.setPermissions(group.id, ['*']));
  t.equal((await create()).code, 0);
  const ann = await db.users.findCredentials('ann');
  t.strictSame(await db.permissions.ofUser(ann?.id ?? ''), ['*']);
});
