/** Changes that meet each other, or that are about very much: they end as one of them alone would, or not at all. */
import { randomUUIDv7 } from 'node:crypto';
import type { Test } from 'tap';
import { createAdministrator } from '../../accounts/first-administrator.ts';
import { operator } from '../../manage/operator.ts';
import { onEachEngine } from '../support/engines.ts';
import {
  makeUser,
  makeUserInTwoTabs,
  PASSWORD,
  quickHashing,
  signedIn,
  startService,
  whoamiStatus,
} from '../support/service.ts';

const BEHIND_ALL = 'g';
const CHANGE = { current: PASSWORD, password: PASSWORD };

onEachEngine('Changes that meet', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  const chief = await signedIn(app, 'chief');
  const events = async (event: 'signed-out') => app.db.audit.page({ event }, '', BEHIND_ALL, 100);

  /** Does something once, before the first list of steps that is asked for when `isDue`. */
  function beforeNextList(t: Test, isDue: () => boolean, act: () => Promise<void>): void {
    const { atomically } = app.db;
    const intercepted = t.capture(app.db, 'atomically', async (steps: Parameters<typeof atomically>[0]) => {
      if (isDue()) {
        intercepted.restore();
        await act();
      }
      return atomically(steps);
    });
  }

  await t.test('Signing out ends a session whose key a change of password renews meanwhile', async (t) => {
    const { id, tab: ann, otherTab: leaving } = await makeUserInTwoTabs(app, 'ann');
    const ends = t.capture(app.db.sessions, 'endOf', app.db.sessions.endOf);
    beforeNextList(
      t,
      () => ends().length > 0,
      async () => {
        t.equal((await ann.request('PUT', `/api/users/${id}/password`, CHANGE)).statusCode, 204);
      },
    );
    t.equal((await leaving.request('POST', '/api/sign/out')).statusCode, 204);
    t.equal(await whoamiStatus(ann), 401, 'the renewed cookie does not work either');
  });

  await t.test('Two sign-outs of one session at once write one audit entry', async (t) => {
    const { tab, otherTab } = await makeUserInTwoTabs(app, 'bob');
    const before = (await events('signed-out')).length;
    const responses = await Promise.all([tab, otherTab].map((each) => each.request('POST', '/api/sign/out')));
    t.strictSame(
      responses.map(({ statusCode }) => statusCode),
      [204, 204],
    );
    t.equal((await events('signed-out')).length, before + 1);
  });

  await t.test('The loser of two changes of a password at once gets 409', async (t) => {
    const { id, tab: cleo, otherTab: other } = await makeUserInTwoTabs(app, 'cleo');
    const changes = t.capture(app.db.users, 'changePassword', app.db.users.changePassword);
    beforeNextList(
      t,
      () => changes().length > 0,
      async () => {
        t.equal((await other.request('PUT', `/api/users/${id}/password`, CHANGE)).statusCode, 204);
      },
    );
    t.equal((await cleo.request('PUT', `/api/users/${id}/password`, CHANGE)).statusCode, 409);
  });

  await t.test('A user in 1,200 groups can be disabled and deleted', async (t) => {
    const id = await makeUser(app, 'dora');
    const now = Date.now();
    const groups = Array.from({ length: 1_200 }, (_, number) => ({
      id: randomUUIDv7(),
      name: `many-${number}`,
      title: '',
      permissions: [],
    }));
    await app.db.atomically(
      groups.flatMap((group) => [
        ...app.db.groups.add(group, now),
        app.db.memberships.add({ groupId: group.id, userId: id, role: 'member' }, now),
      ]),
    );
    const disabling = await chief.request('PATCH', `/api/users/${id}`, { active: false });
    t.equal(disabling.statusCode, 200, disabling.payload);
    t.equal((await chief.request('DELETE', `/api/users/${id}`)).statusCode, 204);
  });

  await t.test('Many changes of one user at once are all made', async (t) => {
    const id = await makeUser(app, 'eve');
    const eve = await signedIn(app, 'eve');
    const changes = Array.from({ length: 12 }, (_, number) =>
      eve.request('PATCH', `/api/users/${id}`, { name: `Eve ${number}` }),
    );
    for (const { statusCode, payload } of await Promise.all(changes)) t.equal(statusCode, 200, payload);
    t.match(await app.db.users.find(id), { version: 13 });
  });

  await t.test('Two administrators made at once on an empty database are both made', async (t) => {
    const empty = await startService(t, engine, { hashing: quickHashing });
    const make = (username: string) =>
      createAdministrator(empty.app.db, operator, {
        ...{ username, name: '', email: null, active: true },
        passwordHash: 'quick',
      });
    await Promise.all([make('first'), make('second')]);
    for (const { id } of await empty.app.db.users.page('', 10))
      t.strictSame(await empty.app.db.permissions.ofUser(id), ['*']);
  });
});
