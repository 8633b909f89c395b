/** manage user email: the operator confirms the address that users give themselves, gives them another one, or takes it away. */
import { commandsOn, fails, objects, succeeds } from '../support/commands.ts';
import { onEachEngine } from '../support/engines.ts';
import { Client, makeUser, quickHashing, signedIn, startService } from '../support/service.ts';

onEachEngine('The operator decides about e-mail addresses', async (t, engine) => {
  const { app, settings } = await startService(t, engine, { hashing: quickHashing });
  const command = commandsOn(settings.DATABASE_URL);
  await makeUser(app, 'ann');
  const bob = await makeUser(app, 'bob');
  const client = await signedIn(app, 'bob');
  const ask = (email: string) => client.request('PATCH', `/api/users/${bob}`, { email });
  const statusOfSignIn = async (name: string) => (await new Client(app).signIn(name)).statusCode;
  const addresses = async () => {
    const { email, pendingEmail } = (await app.db.users.find(bob)) ?? {};
    return { email, pendingEmail };
  };

  await t.test(
    'user show tells the address that is pending, and no command finds a user by it',
    async (t) => {
      await ask('bob@example.net');
      const [text, json, byPending, found] = await Promise.all([
        command(['user', 'show', 'bob']),
        command(['user', 'show', 'bob@example.org', '--json']),
        command(['user', 'show', 'bob@example.net']),
        command(['user', 'list', '--q', 'bob@example.net']),
      ]);
      succeeds(t, text, /^email +bob@example\.org\npendingEmail +bob@example\.net\n/m);
      t.match(objects(json), [{ email: 'bob@example.org', pendingEmail: 'bob@example.net' }]);
      fails(t, byPending, /^manage: There is no user "bob@example\.net"\./);
      succeeds(t, found, /^$/);
    },
  );

  await t.test(
    'user email confirms it, and the user signs in by it; a second time changes nothing',
    async (t) => {
      succeeds(
        t,
        await command(['user', 'email', 'bob', 'bob@example.net']),
        /^bob has the e-mail address bob@example\.net\n$/,
      );
      t.strictSame(await addresses(), { email: 'bob@example.net', pendingEmail: null });
      t.equal(await statusOfSignIn('bob@example.net'), 200);
      t.equal(await statusOfSignIn('bob@example.org'), 401);
      const before = await app.db.users.find(bob);
      succeeds(t, await command(['user', 'email', 'bob', 'bob@example.net']));
      t.strictSame((await app.db.users.find(bob))?.version, before?.version);
    },
  );

  await t.test('user email gives another address, which refuses the pending one', async (t) => {
    await ask('robert@example.org');
    succeeds(t, await command(['user', 'email', 'bob@example.net', 'b.moss@example.org']));
    t.strictSame(await addresses(), { email: 'b.moss@example.org', pendingEmail: null });
  });

  await t.test('user email refuses an address that is taken or none, and then changes nothing', async (t) => {
    await ask('ann@example.org');
    const [taken, wrong, neither, both] = await Promise.all([
      command(['user', 'email', 'bob', 'ANN@example.org']),
      command(['user', 'email', 'bob', 'nomail']),
      command(['user', 'email', 'bob']),
      command(['user', 'email', 'bob', 'bob@example.org', '--none']),
    ]);
    fails(t, taken, /^manage: There is a user of this e-mail address already\.\n$/);
    fails(t, wrong, /^manage: The e-mail address "nomail" must be an e-mail address\.\n$/);
    for (const result of [neither, both])
      fails(t, result, /^manage: Give either an e-mail address or --none\.\n$/);
    t.strictSame(await addresses(), { email: 'b.moss@example.org', pendingEmail: 'ann@example.org' });
  });

  await t.test('user email --none takes away the address, and the pending one', async (t) => {
    succeeds(t, await command(['user', 'email', 'bob', '--none']), /^bob has no e-mail address\n$/);
    t.strictSame(await addresses(), { email: null, pendingEmail: null });
    t.equal(await statusOfSignIn('b.moss@example.org'), 401);
  });
});
