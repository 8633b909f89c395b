/**
 * Whoever comes to hold more signs in again: their sessions end in the same transaction. Else a holder of users:write who made an
 * account, or got into it by a code, would still be in when the account is given every permission.
 */
import mysql from 'mysql2/promise';
import type { Test } from 'tap';
import { createGroup } from '../../accounts/groups.ts';
import { setMember } from '../../accounts/members.ts';
import { makeId } from '../../db/ids.ts';
import { operator } from '../../manage/operator.ts';
import { commandsOn, succeeds } from '../support/commands.ts';
import { query } from '../support/database-content.ts';
import { onEachEngine, type TestEngine } from '../support/engines.ts';
import {
  makeUser,
  PASSWORD,
  quickHashing,
  signedIn,
  startService,
  whoamiStatus,
} from '../support/service.ts';

/** Starts a service with an administrator, and makes groups with these permissions. */
async function start(t: Test, engine: TestEngine) {
  const { app, settings } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  const chief = await signedIn(app, 'chief');
  const group = async (name: string, permissions: string[]) =>
    (await createGroup(app.db, operator, { name, title: '', permissions })).id;
  /** Makes a signed-in user who belongs to these groups. */
  const member = async (username: string, ...groups: string[]) => {
    const id = await makeUser(app, username);
    for (const groupId of groups) await setMember(app.db, operator, groupId, id, 'member');
    return { id, client: await signedIn(app, username) };
  };
  const put = (groupId: string, userId: string, role = 'member') =>
    chief.request('PUT', `/api/groups/${groupId}/members/${userId}`, { role });
  const carry = (groupId: string, permissions: string[]) =>
    chief.request('PATCH', `/api/groups/${groupId}`, { permissions });
  return { app, settings, chief, group, member, put, carry };
}

onEachEngine('Sessions end when their user comes to hold more by a membership', async (t, engine) => {
  const { app, group, member, put } = await start(t, engine);
  const groups = {
    none: await group('none', []),
    readers: await group('readers', ['audit:read']),
    others: await group('others', ['audit:read']),
    both: await group('both', ['audit:read', 'tea:make']),
    all: await group('all', ['*']),
    more: await group('more', ['cake:bake']),
  };
  const { id, client } = await member('ann');
  const { client: stranger } = await member('bob');
  for (const { name, ends, role = 'member', why } of [
    { name: 'none', ends: false, why: 'a group without permissions gives nothing' },
    { name: 'readers', ends: true, why: 'the first permission' },
    { name: 'readers', ends: false, why: 'the same membership again' },
    { name: 'readers', ends: false, role: 'manager', why: 'another role' },
    { name: 'others', ends: false, why: 'they hold it by another group' },
    { name: 'both', ends: true, why: 'they hold one of two' },
    { name: 'all', ends: true, why: 'every permission' },
    { name: 'more', ends: false, why: 'every permission implies this one' },
  ] as const) {
    await client.signIn('ann');
    const other = await signedIn(app, 'ann');
    t.equal((await put(groups[name], id, role)).statusCode, 200);
    const status = ends ? 401 : 200;
    t.strictSame([await whoamiStatus(client), await whoamiStatus(other)], [status, status], why);
  }
  t.equal(await whoamiStatus(stranger), 200, 'sessions of others go on');
});

onEachEngine('Sessions of members end when their group comes to carry more', async (t, engine) => {
  const { group, member, carry } = await start(t, engine);
  const team = await group('team', ['tea:make']);
  const readers = await group('readers', ['audit:read']);
  const all = await group('all', ['*']);
  const ann = await member('ann', team);
  const reader = await member('reader', team, readers);
  const holder = await member('holder', team, all);
  const stranger = await member('stranger', readers);
  const statuses = async () => {
    const clients = [ann, reader, holder, stranger].map(({ client }) => client);
    const found = await Promise.all(clients.map((client) => whoamiStatus(client)));
    for (const [index, name] of ['ann', 'reader', 'holder', 'stranger'].entries())
      if (found[index] === 401) await clients[index]?.signIn(name);
    return found;
  };
  for (const { permissions, ended, why } of [
    { permissions: ['tea:make'], ended: [200, 200, 200, 200], why: 'the same permissions' },
    { permissions: [], ended: [200, 200, 200, 200], why: 'fewer permissions' },
    {
      permissions: ['audit:read'],
      ended: [401, 200, 200, 200],
      why: 'whoever holds it already gains nothing',
    },
    { permissions: ['audit:read', 'cake:bake'], ended: [401, 401, 200, 200], why: 'one permission more' },
    { permissions: ['*'], ended: [401, 401, 200, 200], why: 'every permission' },
    { permissions: ['*', 'users:write'], ended: [200, 200, 200, 200], why: 'every permission implies it' },
  ]) {
    t.equal((await carry(team, permissions)).statusCode, 200);
    t.strictSame(await statuses(), ended, why);
  }
});

onEachEngine('Sessions end when the operator gives their user more', async (t, engine) => {
  const { settings, group, member } = await start(t, engine);
  await group('readers', ['audit:read']);
  await group('auditors', ['audit:read']);
  const { client } = await member('ann');
  const command = commandsOn(settings.DATABASE_URL);
  succeeds(t, await command(['group', 'add', 'readers', 'ann']));
  t.equal(await whoamiStatus(client), 401);
  await client.signIn('ann');
  succeeds(t, await command(['group', 'add', 'auditors', 'ann']));
  t.equal(await whoamiStatus(client), 200, 'a group that gives nothing more');
});

onEachEngine(
  'A thief who made the account, or got in by a code, is out when its user is given more',
  async (t, engine) => {
    const { app, chief, group, member, put } = await start(t, engine);
    const all = (await app.db.groups.findByName('admins'))?.id ?? '';
    const clerk = await member('clerk', await group('clerks', ['users:write']));
    const made = await clerk.client.request('POST', '/api/users', { username: 'puppet', password: PASSWORD });
    const { id } = made.json();
    const thief = await signedIn(app, 'puppet');
    const seen = async () => (await chief.request('GET', `/api/users/${id}`)).json().passwordSetBy;
    t.match(await seen(), { by: 'user', userId: clerk.id });
    const issued = await clerk.client.request('POST', `/api/users/${id}/reset`);
    const byCode = { code: issued.json().code, password: 'another password' };
    t.equal((await thief.request('POST', '/api/sign/reset', byCode)).statusCode, 204);
    t.match(await seen(), { by: 'code', userId: clerk.id });
    await thief.signIn('puppet', 'another password');
    t.equal((await put(all, id)).statusCode, 200);
    t.equal(await whoamiStatus(thief), 401);
  },
);

onEachEngine('Ending the sessions of members waits for no session of others', async (t, engine) => {
  const { app, settings, carry, group } = await start(t, engine);
  const team = await group('team', []);
  const users = Array.from({ length: 300 }, (_, n) => ({ id: makeId(), username: `user-${n}` }));
  const now = Date.now();
  const fields = { name: '', email: null, active: true, passwordHash: null };
  const times = { now, expiresAt: now + 60_000, endsAt: now + 60_000 };
  const from = { remembered: false, address: '', userAgent: '' };
  await app.db.atomically(
    users.flatMap(({ id, username }, n) => [
      app.db.users.add({ id, username, ...fields }, now),
      app.db.sessions.add({ key: `key-${n}`, id: makeId(), userId: id, ...times, ...from }),
      ...(n < 3 ? [app.db.memberships.add({ groupId: team, userId: id, role: 'member' }, now)] : []),
    ]),
  );
  if (engine.name === 'MySQL') {
    // A statement that read all sessions would wait for this lock, and give up.
    const connection = await mysql.createConnection(settings.DATABASE_URL);
    t.teardown(() => connection.end());
    await connection.query('START TRANSACTION');
    await connection.query("SELECT 1 FROM sessions WHERE `key` = 'key-200' FOR UPDATE");
  }
  t.equal((await carry(team, ['tea:make'])).statusCode, 200);
  const left = await query(settings.DATABASE_URL, "SELECT `key` FROM sessions WHERE `key` LIKE 'key-%'");
  t.equal(left.length, 297);
});
