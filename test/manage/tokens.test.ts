/** The commands for API tokens. They run beside a service on the same database, take effect there at once, and are audited. */
import { test } from 'tap';
import { tokensIn } from '../../accounts/tokens.ts';
import { commandsOn, fails, objects, showsSecret, succeeds } from '../support/commands.ts';
import { onEachEngine } from '../support/engines.ts';
import { Client, makeToken, makeUser, quickHashing, signedIn, startService } from '../support/service.ts';

onEachEngine('token create prints a token that works until token end revokes it', async (t, engine) => {
  const { app, settings } = await startService(t, engine, { hashing: quickHashing });
  const command = commandsOn(settings.DATABASE_URL);
  const bob = await makeUser(app, 'bob');
  await makeUser(app, 'ann', { admin: true });
  succeeds(t, await command(['group', 'create', 'writers', '--permission', 'users:write']));
  succeeds(t, await command(['group', 'add', 'writers', 'bob']));
  const deploy = ['token', 'create', 'bob', 'deploy'];
  const [made, greedy] = await Promise.all([
    command([...deploy, '--scope', 'users:write', '--expires-in', '3600']),
    command([...deploy, '--scope', 'users:write', '*']),
  ]);
  fails(t, greedy, /^manage: bob does not hold \*, so no token of theirs can\. .+\n$/);
  const secret = showsSecret(t, made, /^rc_[\w-]+\n$/, /^the token deploy of bob \(\S{36}\), until \S+Z:\n$/);
  const client = new Client(app);
  const createUser = async (username: string) => {
    const headers = { authorization: `Bearer ${secret}` };
    return (await client.request('POST', '/api/users', { username }, headers)).statusCode;
  };
  t.equal(await createUser('cem'), 201);
  const listed = await command(['token', 'list', 'bob', '--json']);
  t.match(objects(listed), [{ name: 'deploy', scopes: ['users:write'], expiresAt: /Z$/, lastUsedAt: /Z$/ }]);
  t.equal(objects(listed).length, 1, 'nothing else is listed');
  t.notOk(listed.stdout.includes(secret));
  const [token] = await tokensIn(app.db).page(bob, '', 10);
  const id = token?.id ?? '';
  const foreign = await command(['token', 'end', 'ann', id]);
  fails(t, foreign, new RegExp(`^manage: ann has no token ${id}\\.\n$`));
  succeeds(t, await command(['token', 'end', 'bob', id.toUpperCase()]), /^ended the token deploy of bob\n$/);
  t.equal(await createUser('dan'), 401, 'the token is refused at once');
  const again = await command(['token', 'end', 'bob', id]);
  succeeds(t, again, new RegExp(`^the token ${id} has ended before\n$`));
  t.same(await tokensIn(app.db).page(bob, '', 10), []);
  const ended = await command(['audit', 'list', '--event', 'token-ended', '--json']);
  const target = { kind: 'token', id, name: 'deploy' };
  t.match(objects(ended), [{ actor: null, via: 'manage', target, before: { user: 'bob' } }]);
  t.notOk(JSON.stringify(await app.db.audit.page({}, '', 'g', 1_000)).includes(secret));
});

onEachEngine('A token that has ended, or was purged, has ended before', async (t, engine) => {
  const { app, settings } = await startService(t, engine, { hashing: quickHashing });
  const command = commandsOn(settings.DATABASE_URL);
  const ann = await makeUser(app, 'ann');
  await makeUser(app, 'bob');
  const [own, byOperator] = [
    (await makeToken(await signedIn(app, 'ann'))).id,
    (await command(['token', 'create', 'ann', 'nightly'])).stderr.match(/[0-9a-f-]{36}/)?.[0] ?? '',
  ];
  const shown = await command(['user', 'show', 'ann', '--json']);
  t.match(objects(shown), [
    {
      tokens: [
        { id: own, name: 'test' },
        { id: byOperator, name: 'nightly' },
      ],
    },
  ]);
  t.match(
    (await command(['user', 'show', 'ann'])).stdout,
    new RegExp(`^token {9}${byOperator}  nightly`, 'm'),
  );
  await app.db.atomically([own, byOperator].map((id) => tokensIn(app.db).end(ann, id)));
  for (const id of [own, byOperator])
    succeeds(t, await command(['token', 'end', 'ann', id]), /^the token \S{36} has ended before\n$/);
  fails(t, await command(['token', 'end', 'bob', own]), /^manage: bob has no token \S{36}\.\n$/);
});

test('A wrong life or id of a token is told before the database is opened', async (t) => {
  const command = commandsOn('sqlite:/nowhere/at/all.db');
  for (const seconds of ['soon', '1e3'])
    fails(
      t,
      await command(['token', 'create', 'bob', 'deploy', '--expires-in', seconds]),
      new RegExp(`^manage: The number of seconds "${seconds}" must be a whole number\\.\\n$`),
    );
  fails(
    t,
    await command(['token', 'end', 'bob', 'deploy']),
    /^manage: The id "deploy" must be an id, such as .*\n$/,
  );
});
