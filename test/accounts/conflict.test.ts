/** A change is tried again while others come between its reading and its writing, but not for ever. */
import { onEachEngine } from '../support/engines.ts';
import { startTwo } from '../support/meeting.ts';
import { makeUser, signedIn } from '../support/service.ts';

onEachEngine('A change that always loses the race', async (t, engine) => {
  const [app, other] = await startTwo(t, engine);
  await makeUser(app, 'chief', { admin: true });
  const chief = await signedIn(app, 'chief');
  const made = await chief.request('POST', '/api/groups', { name: 'readers' });
  const { id }: { id: string } = made.json();

  const { atomically } = app.db;
  let races = 0;
  t.intercept(app.db, 'atomically', {
    value: async (steps: Parameters<typeof atomically>[0]) => {
      const group = await other.db.groups.find(id);
      if (group) await other.db.atomically([other.db.groups.change({ ...group, title: `${++races}` }, 1)]);
      return atomically(steps);
    },
  });
  const answer = await chief.request('PATCH', `/api/groups/${id}`, { title: 'mine' });
  t.equal(answer.statusCode, 409, answer.payload);
  t.match(answer.json(), { type: 'urn:rollcall:problem:conflict', detail: /Nothing was changed; try again/ });
  t.ok(races > 5, `it was tried ${races} times`);
  t.match(await other.db.groups.find(id), { title: `${races}`, version: races + 1 });
});
