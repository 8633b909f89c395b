/**
 * The commands for groups, sessions and the audit trail. They run beside a service on the same database, take effect
 * there at once, and are audited.
 */
import { randomUUIDv7 } from 'node:crypto';
import { PASSWORD } from '../support/api.ts';
import { commandsOn, fails, objects, succeeds } from '../support/commands.ts';
import { onEachEngine } from '../support/engines.ts';
import { makeUser, signedIn, startService } from '../support/service.ts';

onEachEngine('Commands administer groups and sessions', async (t, engine) => {
  const { app, settings } = await startService(t, engine);
  const { db } = app;
  const command = commandsOn(settings.DATABASE_URL);
  const bob = await makeUser(app, 'bob');
  await makeUser(app, 'ann', { admin: true });
  const start = new Date().toISOString();

  await t.test('group create, add and remove change the permissions of users', async (t) => {
    const flags = ['--title', 'Those who write', '--permission', 'users:write', 'groups:write'];
    succeeds(
      t,
      await command(['group', 'create', 'writers', ...flags]),
      /^created the group writers \(\S{36}\)\n$/,
    );
    const group = await db.groups.findByName('writers');
    t.match(group, { title: 'Those who write', permissions: ['groups:write', 'users:write'] });
    const [twin, listed] = await Promise.all([
      command(['group', 'create', 'writers']),
      command(['group', 'list', '--json']),
    ]);
    fails(t, twin, /^manage: There is a group of the name writers already\.\n$/);
    t.match(objects(listed), [
      { name: 'admins', permissions: ['*'] },
      {
        id: group?.id,
        name: 'writers',
        title: 'Those who write',
        permissions: ['groups:write', 'users:write'],
      },
    ]);
    t.equal(objects(listed).length, 2, 'nothing else is listed');

    const client = await signedIn(app, 'bob');
    const permissions = async () => (await client.request('GET', '/api/sign')).json().permissions;
    const code = {
      key: 'of-a-clerk'.padEnd(43, '-'),
      userId: bob,
      issuerId: randomUUIDv7(),
      issuerTokenId: null,
    };
    await db.atomically(db.codes.issue({ ...code, expiresAt: Date.now() + 60_000 }, Date.now()));
    succeeds(t, await command(['group', 'add', 'writers', 'bob']), /^bob is a member of writers\n$/);
    const owner = await db.codes.find(code.key, Date.now());
    t.equal(owner, undefined, 'a reset code issued earlier no longer works');
    t.equal((await client.signIn('bob')).statusCode, 200, 'who comes to hold more signs in again');
    t.same(await permissions(), ['groups:write', 'users:write']);
    const promoted = await command(['group', 'add', 'writers', 'bob@example.org', '--manager']);
    succeeds(
      t,
      promoted,
      /^bob \(found by the address bob@example.org, which is not proved\) is a manager of writers \(before: member\)\n$/,
    );
    t.equal(await db.memberships.role(group?.id ?? '', bob), 'manager');
    succeeds(
      t,
      await command(['group', 'remove', 'writers', 'bob']),
      /^bob does not belong to writers any more\n$/,
    );
    t.same(await permissions(), [], 'the permissions are lost at once');
    const again = await command(['group', 'remove', 'writers', 'bob']);
    succeeds(t, again, /^bob does not belong to writers\n$/);
    const put = { groupId: group?.id ?? '', userId: bob, role: 'member' as const };
    await db.atomically([db.memberships.add(put, Date.now())]);
  });

  await t.test('session list shows the sessions of a user, and session end ends one or all', async (t) => {
    const clients = await Promise.all([1, 2].map(() => signedIn(app, 'bob')));
    const ann = await signedIn(app, 'ann');
    const statuses = () =>
      Promise.all(
        [...clients, ann].map(async (each) => (await each.request('GET', '/api/users')).statusCode),
      );
    const own = (await clients[0]?.request('GET', '/api/sign'))?.json().session.id;
    const rows = await db.sessions.page(bob, '', 10, Date.now());
    const [json, text, foreign] = await Promise.all([
      command(['session', 'list', 'bob', '--json']),
      command(['session', 'list', 'bob']),
      command(['session', 'end', 'ann', own]),
    ]);
    t.match(
      objects(json),
      rows.map(({ id }) => ({ id, address: '127.0.0.1', current: false, endsAt: /Z$/ })),
    );
    t.equal(objects(json).length, rows.length);
    t.notOk(
      rows.some(({ id }) => !text.stdout.includes(id)),
      text.stdout,
    );
    succeeds(t, foreign, /^ann has no session \S{36}, or not any more\n$/);
    t.same(await statuses(), [200, 200, 200]);
    succeeds(
      t,
      await command(['session', 'end', 'bob', own.toUpperCase()]),
      /^ended the session \S{36} of bob\n$/,
    );
    t.same(await statuses(), [401, 200, 200], 'the session ends at once');
    succeeds(
      t,
      await command(['session', 'end', 'bob', own]),
      /^bob has no session \S{36}, or not any more\n$/,
    );
    succeeds(t, await command(['session', 'end', 'bob']), /^ended all sessions of bob\n$/);
    t.same(await statuses(), [401, 401, 200], 'all sessions of the user end');
  });

  await t.test('audit list shows what was done and by whom', async (t) => {
    // Any offset, and a day alone.
    const day = new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10);
    const since = start.replace('Z', '+00:00');
    const [ofBob, writers, events, old] = await Promise.all([
      command(['audit', 'list', '--target', 'bob', '--from', since, '--to', day, '--json']),
      command(['audit', 'list', '--target', 'writers']),
      command(['audit', 'list', '--event', 'membership-set', '--limit', '1', '--json']),
      command(['audit', 'list', '--actor', 'bob', '--to', start, '--json']),
    ]);
    const byCommand = { actor: null, via: 'manage', address: '', requestId: '', userAgent: /^.+@.+$/ };
    const group = 'writers';
    const recorded = objects(ofBob).filter((each) => JSON.stringify(each).includes('"via":"manage"'));
    t.match(recorded, [
      { ...byCommand, event: 'sessions-ended', target: { kind: 'user', id: bob, name: 'bob' } },
      { event: 'membership-removed', before: { group, role: 'manager' }, after: null },
      { event: 'membership-set', before: { group, role: 'member' }, after: { group, role: 'manager' } },
      { event: 'membership-set', before: { group, role: null }, after: { group, role: 'member' } },
    ]);
    t.equal(recorded.length, 4);
    t.match(
      writers.stdout,
      /^\S+Z {2}group-created {2}by \S+@\S+ via manage {2}group writers \(\S{36}\) {2}name=.*\n$/,
    );
    t.match(objects(events), [
      { ...byCommand, target: { kind: 'user', name: 'bob' }, after: { group, role: 'manager' } },
    ]);
    t.equal(objects(events).length, 1);
    t.same(objects(old), [], 'no earlier audit entry is listed');
    const all = JSON.stringify(await db.audit.page({}, '', 'g', 1_000));
    t.notMatch(all, /rc_|rcc_|argon2/);
    t.notOk(all.includes(PASSWORD));
    const ended = await db.audit.page({ event: 'session-ended' }, '', 'g', 10);
    t.match(ended, [{ via: 'manage', targetKind: 'session', targetName: 'bob' }]);
  });
});
