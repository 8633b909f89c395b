/** The commands for users. They run beside a service on the same database, take effect at the next request and are audited. */
import type { App } from '../../app.ts';
import { PASSWORD } from '../support/api.ts';
import { commandsOn, objects, showsSecret, succeeds } from '../support/commands.ts';
import { onEachEngine } from '../support/engines.ts';
import { hasTokens } from '../support/optional.ts';
import { Client, signedIn, startService } from '../support/service.ts';

const NEW_PASSWORD = 'another battery staple';
const CODE = /^rcc_[\w-]+\n$/;

/** @returns the audit entries of the target, the newest first. */
const trail = (app: App, target: string) => app.db.audit.page({ target }, '', 'g', 100);

/** The actor in the audit entry of a command: no user of the service, but the user of the operating system. */
const BY_COMMAND = {
  actorId: null,
  actorName: null,
  via: 'manage',
  address: '',
  userAgent: /^.+@.+$/,
  requestId: '',
};

onEachEngine('Commands administer users', async (t, engine) => {
  const { app, settings } = await startService(t, engine);
  const { db } = app;
  const command = commandsOn(settings.DATABASE_URL);
  const idOf = async (name: string) => (await db.users.findCredentials(name))?.id ?? '';
  const status = async (client: Client) => (await client.request('GET', '/api/sign')).statusCode;

  await t.test('user create --admin creates an administrator and audits each step', async (t) => {
    const fields = ['--admin', '--name', 'Ann A.', '--email', 'Ann@example.org'];
    const made = await command(['user', 'create', 'Ann', ...fields, '--password-stdin'], `${PASSWORD}\n`);
    succeeds(t, made, /^created Ann, an administrator \(\S{36}\)\n$/);
    const client = await signedIn(app, 'ann@example.org');
    const { user, permissions } = (await client.request('GET', '/api/sign')).json();
    t.match(user, { username: 'Ann', name: 'Ann A.', email: 'Ann@example.org', active: true });
    t.same(permissions, ['*']);
    const after = { username: 'Ann', name: 'Ann A.', email: 'Ann@example.org', active: true };
    const recorded = (await trail(app, user.id)).filter(({ via }) => via === 'manage');
    t.match(recorded, [
      { ...BY_COMMAND, event: 'membership-set', after: { group: 'admins', role: 'manager' } },
      { ...BY_COMMAND, event: 'user-created', targetName: 'Ann', before: null, after },
    ]);
    const group = await db.groups.findByName('admins');
    t.match(await trail(app, group?.id ?? ''), [{ ...BY_COMMAND, event: 'group-created' }]);
  });

  await t.test('user create --code creates a user who sets the password with a reset code', async (t) => {
    const made = await command(['user', 'create', 'bob', '--code']);
    const code = showsSecret(t, made, CODE, /^created bob \(\S{36}\); the code .*Z:\n$/);
    t.equal(await db.users.passwordHash(await idOf('bob')), null);
    const client = new Client(app);
    const reset = () => client.request('POST', '/api/sign/reset', { code, password: PASSWORD });
    t.equal((await reset()).statusCode, 204);
    t.equal((await reset()).statusCode, 400, 'the code works only once');
    t.equal((await client.signIn('bob')).statusCode, 200);
    t.notMatch(JSON.stringify(await trail(app, await idOf('bob'))), /rcc_|argon2/);
  });

  await t.test('user show and user list show users without secrets', async (t) => {
    const bob = await idOf('bob');
    const group = await db.groups.findByName('admins');
    await db.atomically([
      db.memberships.add({ groupId: group?.id ?? '', userId: bob, role: 'member' }, Date.now()),
    ]);
    await signedIn(app, 'bob');
    const shown = await Promise.all([
      command(['user', 'show', 'BOB', '--json']),
      command(['user', 'show', 'bob']),
      command(['user', 'list', '--q', 'ann a', '--json']),
    ]);
    for (const each of shown) {
      succeeds(t, each);
      t.notMatch(each.stdout, /argon2|password.?hash/i);
    }
    const [json, text, list] = shown;
    t.match(objects(json), [
      {
        id: bob,
        username: 'bob',
        active: true,
        lastSignInAt: /Z$/,
        groups: [{ group: { name: 'admins' }, role: 'member' }],
        sessions: 2,
        ...(hasTokens ? { tokens: [] } : {}),
      },
    ]);
    t.match(
      text.stdout,
      /^username +bob\n(.*\n)*sessions +2\npassword +set by a code of the operator, .+\ngroup +admins {2}member\n$/m,
    );
    t.match(objects(list), [{ username: 'Ann', name: 'Ann A.' }]);
    t.equal(objects(list).length, 1, 'no other user is listed');
  });

  await t.test('user password ends the sessions and the reset code of the user', async (t) => {
    const [bob, ann] = [await signedIn(app, 'bob'), await signedIn(app, 'ann')];
    const code = showsSecret(
      t,
      await command(['user', 'code', 'bob']),
      CODE,
      /^the code with which bob .*Z:\n$/,
    );
    t.equal(await status(bob), 200, 'issuing a code ends no session');
    succeeds(
      t,
      await command(['user', 'password', 'bob', '--password-stdin'], NEW_PASSWORD),
      /^set .* of bob/,
    );
    t.equal(await status(bob), 401, 'the session ends at once');
    t.equal(await status(ann), 200, 'sessions of other users stay');
    const client = new Client(app);
    const reset = await client.request('POST', '/api/sign/reset', { code, password: PASSWORD });
    t.equal(reset.statusCode, 400, 'the code no longer works');
    t.equal((await client.signIn('bob')).statusCode, 401);
    t.equal((await client.signIn('bob', NEW_PASSWORD)).statusCode, 200);
    const recorded = (await trail(app, await idOf('bob'))).filter(({ via }) => via === 'manage');
    t.match(recorded.slice(0, 2), [
      { ...BY_COMMAND, event: 'password-reset', before: null, after: null },
      { ...BY_COMMAND, event: 'code-issued', after: { expiresAt: /Z$/ } },
    ]);
    t.notMatch(JSON.stringify(recorded), /rcc_|argon2|staple/);
  });

  await t.test('user disable ends all access at once, and user enable allows sign-in again', async (t) => {
    const client = new Client(app);
    await client.signIn('bob', NEW_PASSWORD);
    t.equal(await status(client), 200);
    succeeds(t, await command(['user', 'disable', 'bob']), /^bob is disabled\n$/);
    t.equal(await status(client), 401, 'the session ends at once');
    t.same(await db.sessions.page(await idOf('bob'), '', 10, Date.now()), []);
    t.not((await client.signIn('bob', NEW_PASSWORD)).statusCode, 200);
    succeeds(t, await command(['user', 'disable', 'bob']), /^bob is disabled\n$/);
    succeeds(t, await command(['user', 'enable', 'bob']), /^bob is enabled\n$/);
    t.equal((await client.signIn('bob', NEW_PASSWORD)).statusCode, 200);
    const recorded = (await trail(app, await idOf('bob'))).filter(({ event }) => event === 'user-changed');
    const [off, on] = [{ active: false }, { active: true }];
    t.match(recorded, [
      { ...BY_COMMAND, before: off, after: on },
      { ...BY_COMMAND, before: on, after: off },
    ]);
    t.equal(recorded.length, 2, 'a command that changes nothing is not audited');
  });

  await t.test('user delete removes the user with their sessions and memberships', async (t) => {
    const client = new Client(app);
    await client.signIn('bob', NEW_PASSWORD);
    const bob = await idOf('bob');
    succeeds(t, await command(['user', 'delete', 'bob']), new RegExp(`^removed bob \\(${bob}\\)\n$`));
    t.equal(await status(client), 401, 'the session ends at once');
    t.equal(await db.users.find(bob), undefined);
    t.equal(await db.memberships.pageOfUser(bob, '', 10), undefined);
    const [recorded] = await trail(app, bob);
    t.match(recorded, {
      ...BY_COMMAND,
      event: 'user-deleted',
      before: { username: 'bob', active: true },
      after: null,
    });
  });
});
