/** Who may write users rules those who hold no more than they: else they could give away what they don't hold. */
import { randomUUIDv7 } from 'node:crypto';
import { onEachEngine } from '../support/engines.ts';
import { makeUser, signedIn, startService } from '../support/service.ts';

onEachEngine('who may write users, but does not hold everything,', async (t, engine) => {
  const { app } = await startService(t, engine);
  await makeUser(app, 'chief', { admin: true });
  const eve = await makeUser(app, 'eve', { admin: true, active: false });
  const bob = await makeUser(app, 'bob');
  const ann = await makeUser(app, 'ann');
  const groupId = randomUUIDv7();
  const group = { id: groupId, name: 'clerks', title: '', permissions: ['users:write'] };
  await app.db.atomically([
    ...app.db.groups.add(group, Date.now()),
    ...app.db.memberships.put({ groupId, userId: ann, role: 'member' }, Date.now()),
  ]);
  const clerk = await signedIn(app, 'ann');

  for (const changes of [{ active: true }, { email: 'ann@example.com' }, { username: 'adam' }]) {
    t.test(`does not change the ${Object.keys(changes)} of an administrator`, async (t) => {
      const before = await app.db.users.find(eve);
      const response = await clerk.request('PATCH', `/api/users/${eve}`, changes);
      t.equal(response.statusCode, 403);
      t.match(response.json().detail, '*');
      t.strictSame(await app.db.users.find(eve), before);
    });
  }

  t.test('does not remove an administrator', async (t) => {
    t.equal((await clerk.request('DELETE', `/api/users/${eve}`)).statusCode, 403);
    t.ok(await app.db.users.find(eve));
  });

  t.test('changes and removes others', async (t) => {
    const changes = { username: 'bobby', email: null, active: false };
    t.equal((await clerk.request('PATCH', `/api/users/${bob}`, changes)).statusCode, 200);
    t.equal((await clerk.request('DELETE', `/api/users/${bob}`)).statusCode, 204);
  });
});
