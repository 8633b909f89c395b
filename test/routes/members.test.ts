/** Memberships of groups: who may read and change them. The last administrator cannot be removed. */
import { randomUUIDv7 } from 'node:crypto';
import type { App } from '../../app.ts';
import { onEachEngine } from '../support/engines.ts';
import { Client, makeUser, quickHashing, signedIn, startService } from '../support/service.ts';

const UNKNOWN = '01900000-0000-7000-8000-000000000000';

/** Makes a group directly in the database. @returns its path in the API. */
async function makeGroup(app: App, name: string, permissions: string[] = []) {
  const id = randomUUIDv7();
  await app.db.atomically(app.db.groups.add({ id, name, title: '', permissions }, Date.now()));
  return `/api/groups/${id}`;
}

onEachEngine('Members are added, listed and removed', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  const admin = await signedIn(app, 'chief');
  const ann = await makeUser(app, 'ann');

  t.test('PUT member adds a user or changes their role, and DELETE removes them', async (t) => {
    const url = `${await makeGroup(app, 'team')}/members/${ann}`;
    const put = await admin.request('PUT', url, { role: 'member' });
    t.equal(put.statusCode, 200);
    t.equal(put.headers['cache-control'], 'no-store');
    const { createdAt, ...member } = put.json();
    t.strictSame(member, {
      user: { id: ann, username: 'ann', name: '' },
      role: 'member',
      passwordSetBy: null,
    });

    const again = await admin.request('PUT', url, { role: 'member' });
    t.strictSame(again.json(), put.json(), 'an identical PUT changes nothing');
    const changed = await admin.request('PUT', url, { role: 'manager' });
    t.strictSame(changed.json(), { ...member, createdAt, role: 'manager' }, 'the time of joining stays');

    const removed = await admin.request('DELETE', url);
    t.equal(removed.statusCode, 204);
    t.equal(removed.payload, '');
    t.equal((await admin.request('DELETE', url)).statusCode, 404, 'a second DELETE answers 404');
  });

  t.test('GET members lists each member once in pages of any size', async (t) => {
    const url = `${await makeGroup(app, 'crowd')}/members`;
    t.strictSame((await admin.request('GET', url)).json(), { items: [], next: null });
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.push(await makeUser(app, `crowd-${n}`));
    for (const id of [...ids].reverse()) await admin.request('PUT', `${url}/${id}`, { role: 'member' });
    await admin.request('PUT', `${await makeGroup(app, 'elsewhere')}/members/${ann}`, { role: 'member' });

    for (const limit of [1, 2, 4, 5, 6]) {
      const seen: string[] = [];
      let pages = 0;
      let next: string | undefined = `${url}?limit=${limit}`;
      while (next && pages++ < 10) {
        const response = await admin.request('GET', next);
        t.equal(response.statusCode, 200);
        for (const { user } of response.json().items) seen.push(user.id);
        next = String(response.headers.link ?? '').match(/^<(.+)>; rel="next"$/)?.[1];
      }
      t.strictSame(seen, ids, `pages of ${limit}`);
      t.equal(pages, Math.ceil(ids.length / limit));
    }
  });

  t.test('The routes of members answer 404 for an unknown user or group', async (t) => {
    const group = await makeGroup(app, 'lonely');
    const member = { role: 'member' };
    const unknownUser = await admin.request('PUT', `${group}/members/${UNKNOWN}`, member);
    t.equal(unknownUser.statusCode, 404);
    t.match(unknownUser.json(), { detail: 'There is no user with this id.' });
    t.strictSame((await admin.request('GET', `${group}/members`)).json().items, []);
    const unknownGroup = `/api/groups/${UNKNOWN}/members`;
    const answers = [
      await admin.request('PUT', `${unknownGroup}/${ann}`, member),
      await admin.request('GET', unknownGroup),
    ];
    for (const response of answers) {
      t.equal(response.statusCode, 404);
      t.match(response.json(), { detail: 'There is no group with this id.' });
    }
    t.equal((await admin.request('DELETE', `${unknownGroup}/${ann}`)).statusCode, 404);
    t.equal((await admin.request('DELETE', `${group}/members/${ann}`)).statusCode, 404);
  });

  t.test('PUT member three times at once creates one membership', async (t) => {
    const url = `${await makeGroup(app, 'quick')}/members`;
    const puts = ['member', 'manager', 'member'].map((role) =>
      admin.request('PUT', `${url}/${ann}`, { role }),
    );
    for (const response of await Promise.all(puts)) t.equal(response.statusCode, 200);
    t.equal((await admin.request('GET', url)).json().items.length, 1);
  });
});

onEachEngine('Managers administer the members of their group', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  const admin = await signedIn(app, 'chief');
  const group = await makeGroup(app, 'team', ['audit:read']);
  const members = `${group}/members`;
  const ids = { manager: '', member: '', outsider: '' };
  ids.manager = await makeUser(app, 'manager');
  ids.member = await makeUser(app, 'member');
  ids.outsider = await makeUser(app, 'outsider');
  await admin.request('PUT', `${members}/${ids.manager}`, { role: 'manager' });
  await admin.request('PUT', `${members}/${ids.member}`, { role: 'member' });
  const manager = await signedIn(app, 'manager');

  t.test('A manager reads and changes the members of their group', async (t) => {
    t.equal((await manager.request('GET', members)).json().items.length, 2);
    const newcomer = `${members}/${await makeUser(app, 'newcomer')}`;
    t.equal((await manager.request('PUT', newcomer, { role: 'manager' })).statusCode, 200);
    t.equal((await manager.request('DELETE', newcomer)).statusCode, 204);
  });

  const plain: (keyof typeof ids)[] = ['member', 'outsider'];
  for (const role of plain) {
    t.test(
      `${role === 'member' ? 'A plain member' : 'An outsider'} cannot read or change the members`,
      async (t) => {
        const client = await signedIn(app, role);
        const refused = [
          await client.request('GET', members),
          await client.request('PUT', `${members}/${ids[role]}`, { role: 'manager' }),
          await client.request('PUT', `${members}/${ids.outsider}`, { role: 'member' }),
          await client.request('DELETE', `${members}/${ids.manager}`),
        ];
        for (const response of refused) {
          t.equal(response.statusCode, 403);
          t.match(response.json(), { detail: /groups:write/ });
        }
        const { items } = (await admin.request('GET', members)).json();
        const roles = items.map(({ user, role }: { user: { username: string }; role: string }) => [
          user.username,
          role,
        ]);
        const before = { manager: 'manager', member: 'member' };
        t.strictSame(Object.fromEntries(roles), before, 'nothing is changed');
      },
    );
  }

  t.test('A caller who may not read members gets 403 for an unknown group, too', async (t) => {
    const client = await signedIn(app, 'outsider');
    for (const url of [`/api/groups/${UNKNOWN}/members`, `/api/groups/${UNKNOWN}/members?limit=1`])
      t.equal((await client.request('GET', url)).statusCode, 403);
    t.equal(
      (await client.request('GET', `${members}?limit=0`)).statusCode,
      400,
      'an invalid query answers 400 first',
    );
  });

  t.test('An anonymous caller gets 401 from the routes of members', async (t) => {
    const client = new Client(app);
    t.equal((await client.request('GET', members)).statusCode, 401);
    t.equal((await client.request('DELETE', `${members}/${ids.member}`)).statusCode, 401);
  });

  t.test('A manager cannot change the group itself or the members of other groups', async (t) => {
    t.equal((await manager.request('PATCH', group, { title: 'Mine' })).statusCode, 403);
    t.equal((await manager.request('DELETE', group)).statusCode, 403);
    const other = await makeGroup(app, 'other');
    t.equal((await manager.request('GET', `${other}/members`)).statusCode, 403);
    const join = await manager.request('PUT', `${other}/members/${ids.manager}`, { role: 'member' });
    t.equal(join.statusCode, 403);
  });

  t.test('A member gains and loses the permissions of the group at once', async (t) => {
    const client = await signedIn(app, 'outsider');
    const permissions = async () => (await client.request('GET', '/api/sign')).json().permissions;
    t.strictSame(await permissions(), []);
    await manager.request('PUT', `${members}/${ids.outsider}`, { role: 'member' });
    await client.signIn('outsider');
    t.strictSame(await permissions(), ['audit:read']);
    await manager.request('DELETE', `${members}/${ids.outsider}`);
    t.strictSame(await permissions(), []);
  });

  t.test('A manager who leaves the group is a manager no longer', async (t) => {
    const url = `${members}/${ids.manager}`;
    t.equal((await manager.request('DELETE', url)).statusCode, 204);
    t.equal((await manager.request('GET', members)).statusCode, 403);
  });
});

onEachEngine('The last administrator cannot be removed', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  const chief = await makeUser(app, 'chief', { admin: true });
  const admin = await signedIn(app, 'chief');
  const admins = `/api/groups/${(await app.db.groups.findByName('admins'))?.id}`;

  const losses = [
    { by: 'deleting the group', method: 'DELETE', url: admins, payload: undefined },
    { by: 'removing * from the group', method: 'PATCH', url: admins, payload: { permissions: ['a:b'] } },
    { by: 'leaving the group', method: 'DELETE', url: `${admins}/members/${chief}`, payload: undefined },
  ];
  for (const { by, method, url, payload } of losses) {
    t.test(`The last administrator stays when the caller tries ${by}`, async (t) => {
      const response = await admin.request(method, url, payload);
      t.equal(response.statusCode, 409);
      t.match(response.json(), { type: 'urn:rollcall:problem:last-administrator' });
      t.strictSame((await admin.request('GET', '/api/sign')).json().permissions, ['*']);
      t.match((await admin.request('GET', admins)).json(), { name: 'admins', permissions: ['*'] });
    });
  }

  t.test('The last administrator may become a plain member of the group', async (t) => {
    const response = await admin.request('PUT', `${admins}/members/${chief}`, { role: 'member' });
    t.equal(response.statusCode, 200);
  });

  t.test('An administrator may leave when another active administrator remains', async (t) => {
    const second = await makeUser(app, 'second');
    const group = await makeGroup(app, 'deputies', ['*']);
    t.equal(
      (await admin.request('DELETE', admins)).statusCode,
      409,
      'a group without members makes no administrator',
    );
    await admin.request('PUT', `${group}/members/${second}`, { role: 'member' });
    t.equal((await admin.request('DELETE', `${admins}/members/${chief}`)).statusCode, 204);
    t.strictSame((await admin.request('GET', '/api/sign')).json().permissions, []);
    const other = await signedIn(app, 'second');
    t.equal(
      (await other.request('DELETE', group)).statusCode,
      409,
      'the other user is the last administrator now',
    );
  });
});
