/** The routes of groups. Callers cannot grant permissions that they do not hold. */
import { randomUUIDv7 } from 'node:crypto';
import type { App } from '../../app.ts';
import { onEachEngine } from '../support/engines.ts';
import { makeUser, quickHashing, signedIn, startService } from '../support/service.ts';

const UNKNOWN = '01900000-0000-7000-8000-000000000000';

/** Makes a group directly in the database. @returns its id. */
async function makeGroup(app: App, name: string, permissions: string[] = [], members: string[] = []) {
  const id = randomUUIDv7();
  const now = Date.now();
  const puts = members.flatMap((userId) =>
    app.db.memberships.add({ groupId: id, userId, role: 'member' }, now),
  );
  await app.db.atomically([...app.db.groups.add({ id, name, title: '', permissions }, now), ...puts]);
  return id;
}

onEachEngine('Groups are readable', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'ann');
  const permissionLists = [['*'], [], ['users:write', 'groups:write'], ['audit:read'], []];
  const ids: string[] = [];
  for (const [n, permissions] of permissionLists.entries())
    ids.push(await makeGroup(app, `group-${n}`, permissions));
  const client = await signedIn(app, 'ann');

  t.test('GET group returns the group with its permissions sorted', async (t) => {
    const response = await client.request('GET', `/api/groups/${ids[2]}`);
    t.equal(response.statusCode, 200);
    t.equal(response.headers.etag, '"1"');
    t.equal(response.headers['cache-control'], 'no-store');
    const { createdAt, ...group } = response.json();
    const permissions = ['groups:write', 'users:write'];
    t.strictSame(group, { id: ids[2], name: 'group-2', title: '', permissions, updatedAt: createdAt });
  });

  t.test('GET group answers 404 for an unknown id', async (t) => {
    const response = await client.request('GET', `/api/groups/${UNKNOWN}`);
    t.equal(response.statusCode, 404);
    t.match(response.json(), { detail: 'There is no group with this id.' });
  });

  for (const limit of [1, 2, 4, 5, 6]) {
    t.test(`GET groups in pages of ${limit} lists each group once with its own permissions`, async (t) => {
      const seen: { id: string; permissions: string[] }[] = [];
      let pages = 0;
      let url: string | undefined = `/api/groups?limit=${limit}`;
      while (url && pages++ < 10) {
        const response = await client.request('GET', url);
        const { items, next } = response.json();
        for (const { id, permissions } of items) seen.push({ id, permissions });
        const link = String(response.headers.link ?? '').match(/^<(.+)>; rel="next"$/)?.[1];
        t.equal(link, next === null ? undefined : `/api/groups?limit=${limit}&after=${next}`);
        url = link;
      }
      const expected = ids.map((id, n) => ({ id, permissions: [...(permissionLists[n] ?? [])].sort() }));
      // Ids created within one millisecond have no defined order.
      t.strictSame(
        seen,
        expected.sort((a, b) => (a.id < b.id ? -1 : 1)),
      );
    });
  }
});

onEachEngine('Groups are created, changed and deleted', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  await makeUser(app, 'ann');
  const admin = await signedIn(app, 'chief');
  const ann = await signedIn(app, 'ann');

  t.test('POST group answers with its location and fills in defaults', async (t) => {
    const response = await admin.request('POST', '/api/groups', { name: 'editors' });
    t.equal(response.statusCode, 201);
    const { id, createdAt, ...group } = response.json();
    t.equal(response.headers.location, `/api/groups/${id}`);
    t.equal(response.headers.etag, '"1"');
    t.strictSame(group, { name: 'editors', title: '', permissions: [], updatedAt: createdAt });
    t.strictSame((await admin.request('GET', `/api/groups/${id}`)).json(), response.json());
  });

  t.test('POST group stores every field unchanged', async (t) => {
    const fields = { name: '0.a_b-c', title: ' Тítle 🦊 ', permissions: ['*', 'a:b', 'long-name:do-it'] };
    const response = await admin.request('POST', '/api/groups', fields);
    t.equal(response.statusCode, 201);
    t.match(response.json(), fields);
  });

  t.test('POST and PATCH group answer 409 when the name is taken', async (t) => {
    await makeGroup(app, 'taken');
    const id = await makeGroup(app, 'taker', ['a:b']);
    const refused = [
      await admin.request('POST', '/api/groups', { name: 'taken' }),
      await admin.request('PATCH', `/api/groups/${id}`, { name: 'taken', permissions: [] }),
    ];
    for (const response of refused) {
      t.equal(response.statusCode, 409);
      t.match(response.json(), { errors: [{ in: 'body', pointer: '/name' }] });
    }
    const after = (await admin.request('GET', `/api/groups/${id}`)).json();
    t.match(after, { name: 'taker', permissions: ['a:b'] }, 'nothing is changed');
  });

  t.test('POST group twice at once with one name creates one group', async (t) => {
    const twins = [1, 2].map(() => admin.request('POST', '/api/groups', { name: 'twin' }));
    t.strictSame((await Promise.all(twins)).map(({ statusCode }) => statusCode).sort(), [201, 409]);
  });

  t.test('PATCH group changes only the given fields', async (t) => {
    const id = await makeGroup(app, 'changing', ['a:b', 'c:d']);
    const url = `/api/groups/${id}`;
    const titled = await admin.request('PATCH', url, { title: 'Changed' });
    t.equal(titled.statusCode, 200);
    t.equal(titled.headers.etag, '"2"');
    t.match(titled.json(), { name: 'changing', title: 'Changed', permissions: ['a:b', 'c:d'] });
    const granted = await admin.request('PATCH', url, { permissions: ['e:f', 'c:d'] });
    t.strictSame(granted.json().permissions, ['c:d', 'e:f']);
    const emptied = await admin.request('PATCH', url, { permissions: [], name: 'changed' });
    t.match(emptied.json(), { name: 'changed', title: 'Changed' });
    t.strictSame(emptied.json().permissions, []);
  });

  t.test('PATCH and DELETE group honour If-Match', async (t) => {
    const url = `/api/groups/${await makeGroup(app, 'versioned')}`;
    for (const header of ['"2"', 'W/"2"']) {
      const headers = { 'if-match': header };
      t.equal((await admin.request('PATCH', url, { title: 'x' }, headers)).statusCode, 412);
      t.equal((await admin.request('DELETE', url, undefined, headers)).statusCode, 412);
    }
    t.equal((await admin.request('PATCH', url, { title: 'x' }, { 'if-match': 'W/"1"' })).statusCode, 200);
    t.equal((await admin.request('PATCH', url, { title: 'y' }, { 'if-match': '*' })).statusCode, 200);
    t.equal((await admin.request('DELETE', url, undefined, { 'if-match': '"9", "3"' })).statusCode, 204);
  });

  t.test('Concurrent PATCH group succeeds once with If-Match and always without it', async (t) => {
    const url = `/api/groups/${await makeGroup(app, 'contested')}`;
    const change = (n: number, headers = {}) => admin.request('PATCH', url, { title: `${n}` }, headers);
    const { find } = app.db.groups;
    const { promise: bothHaveRead, resolve } = Promise.withResolvers<void>();
    let readers = 0;
    const together = t.intercept(app.db.groups, 'find', {
      value: async (id: string) => {
        const row = await find(id);
        if (++readers === 2) resolve();
        await bothHaveRead;
        return row;
      },
    });
    const rivals = await Promise.all([1, 2].map((n) => change(n, { 'if-match': '"1"' })));
    t.strictSame(rivals.map(({ statusCode }) => statusCode).sort(), [200, 412]);
    together.restore();
    const crowd = await Promise.all(Array.from({ length: 20 }, (_, n) => change(n + 10)));
    t.strictSame(new Set(crowd.map(({ statusCode }) => statusCode)), new Set([200]));
    t.equal((await admin.request('GET', url)).headers.etag, '"22"');
  });

  t.test('DELETE group removes its memberships and the permissions that it granted', async (t) => {
    const bob = await makeUser(app, 'bob');
    const url = `/api/groups/${await makeGroup(app, 'going', ['users:write'], [bob])}`;
    const client = await signedIn(app, 'bob');
    const permissions = async () => (await client.request('GET', '/api/sign')).json().permissions;
    t.strictSame(await permissions(), ['users:write']);
    t.equal((await admin.request('DELETE', url)).statusCode, 204);
    t.strictSame(await permissions(), []);
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const payload = method === 'PATCH' ? { title: 'x' } : undefined;
      t.equal((await admin.request(method, url, payload)).statusCode, 404);
    }
  });

  t.test('Writing groups without groups:write answers 403 and changes nothing', async (t) => {
    const url = `/api/groups/${await makeGroup(app, 'guarded')}`;
    const refused = [
      await ann.request('POST', '/api/groups', { name: 'mine' }),
      await ann.request('PATCH', url, { title: 'mine' }),
      await ann.request('DELETE', url),
    ];
    for (const response of refused) {
      t.equal(response.statusCode, 403);
      t.match(response.json(), { detail: /groups:write/ });
    }
    t.match((await ann.request('GET', url)).json(), { title: '' });
    t.equal(await app.db.groups.findByName('mine'), undefined);
  });
});

onEachEngine('A caller with groups:write but not * cannot grant more than they hold', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  const ann = await makeUser(app, 'ann');
  await makeGroup(app, 'writers', ['groups:write', 'audit:read'], [ann]);
  const client = await signedIn(app, 'ann');
  const admins = (await app.db.groups.findByName('admins'))?.id;

  t.test('A caller can grant permissions that they hold', async (t) => {
    const payload = { name: 'readers', permissions: ['audit:read'] };
    t.equal((await client.request('POST', '/api/groups', payload)).statusCode, 201);
  });

  for (const permissions of [['*'], ['users:write'], ['audit:read', 'users:write'], ['audit:write']]) {
    t.test(`A caller cannot grant ${permissions.join(' and ')} without holding them all`, async (t) => {
      const name = 'powerful';
      const made = await client.request('POST', '/api/groups', { name, permissions });
      t.equal(made.statusCode, 403);
      t.equal(await app.db.groups.findByName(name), undefined);

      const id = await makeGroup(app, `tame-${randomUUIDv7()}`, [], [ann]);
      const changed = await client.request('PATCH', `/api/groups/${id}`, { permissions });
      t.equal(changed.statusCode, 403);
      t.match(changed.json().detail, permissions.at(-1) ?? '');
      t.strictSame((await app.db.groups.find(id))?.permissions, []);
    });
  }

  t.test('A caller cannot add members to a group that grants more than they hold', async (t) => {
    const bob = await makeUser(app, 'bob');
    for (const userId of [ann, bob]) {
      const url = `/api/groups/${admins}/members/${userId}`;
      for (const role of ['member', 'manager']) {
        t.equal((await client.request('PUT', url, { role })).statusCode, 403);
      }
    }
    t.strictSame((await client.request('GET', '/api/sign')).json().permissions, [
      'audit:read',
      'groups:write',
    ]);
  });

  t.test('A caller cannot change a group that grants more than they hold', async (t) => {
    const bob = (await app.db.users.findCredentials('bob'))?.id ?? '';
    const id = await makeGroup(app, 'strong', ['users:write'], [bob]);
    const url = `/api/groups/${id}`;
    const refused = [
      await client.request('PATCH', url, { title: 'Weak' }),
      await client.request('PATCH', url, { permissions: [] }),
      await client.request('PUT', `${url}/members/${bob}`, { role: 'manager' }),
      await client.request('DELETE', `${url}/members/${bob}`),
      await client.request('DELETE', url),
    ];
    t.strictSame(new Set(refused.map(({ statusCode }) => statusCode)), new Set([403]));
    t.match(await app.db.groups.find(id), { title: '', version: 1, permissions: ['users:write'] });
    t.equal(await app.db.memberships.role(id, bob), 'member');
  });
});
