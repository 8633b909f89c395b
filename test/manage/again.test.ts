/** Commands that take away succeed when it is done already, so that scripts can run them again. A name that never was fails. */
import { commandsOn, fails, objects, succeeds } from '../support/commands.ts';
import { onEachEngine } from '../support/engines.ts';
import { makeUser, quickHashing, signedIn, startService } from '../support/service.ts';

onEachEngine('What was removed before is told from what never was', async (t, engine) => {
  const { app, settings } = await startService(t, engine, { hashing: quickHashing });
  const command = commandsOn(settings.DATABASE_URL);
  await makeUser(app, 'ann', { admin: true });
  const bob = await makeUser(app, 'bob');
  succeeds(t, await command(['user', 'delete', 'bob']), /^removed bob/);

  const [again, session, member, never, listed] = await Promise.all([
    command(['user', 'delete', 'BOB']),
    command(['session', 'end', 'bob']),
    command(['group', 'remove', 'admins', 'bob']),
    command(['user', 'delete', 'bobby']),
    command(['audit', 'list', '--target', 'bob', '--event', 'user-deleted', '--json']),
  ]);
  succeeds(t, again, /^BOB was removed before\n$/);
  succeeds(t, session, /^bob was removed before, with all sessions\n$/);
  succeeds(t, member, /^bob was removed before, from all groups\n$/);
  fails(t, never, /^manage: There is no user "bobby"\./);
  t.match(objects(listed), [{ target: { kind: 'user', id: bob, name: 'bob' } }]);
  t.equal(objects(listed).length, 1);

  const [byAddress, ofAddress] = await Promise.all([
    command(['user', 'delete', 'bob@EXAMPLE.org']),
    command(['audit', 'list', '--target', 'bob@example.org', '--event', 'user-deleted', '--json']),
  ]);
  succeeds(t, byAddress, /^bob@EXAMPLE\.org was removed before\n$/);
  t.match(objects(ofAddress), [{ target: { id: bob } }]);

  const second = await makeUser(app, 'bob');
  succeeds(t, await command(['user', 'delete', 'bob']), new RegExp(second));
  const unclear = await command(['audit', 'list', '--target', 'bob']);
  fails(
    t,
    unclear,
    new RegExp(`^manage: Several .* had the name bob: ${second}, ${bob}\\. Give the id\\.\n$`),
  );
});

onEachEngine('A session that has ended can be ended again', async (t, engine) => {
  const { app, settings } = await startService(t, engine, { hashing: quickHashing });
  const command = commandsOn(settings.DATABASE_URL);
  await makeUser(app, 'ann');
  const client = await signedIn(app, 'ann');
  const session = (await client.request('GET', '/api/sign')).json().session.id;
  succeeds(t, await command(['session', 'end', 'ann']), /^ended all sessions of ann\n$/);
  const again = await command(['session', 'end', 'ann', session]);
  succeeds(t, again, /^ann has no session \S{36}, or not any more\n$/);
});
