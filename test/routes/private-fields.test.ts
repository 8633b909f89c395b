/** Who sees the e-mail addresses of users, and when they signed in last: the same in lists, alone and about oneself. */
import { grant, startAddresses } from '../support/addresses.ts';
import { onEachEngine } from '../support/engines.ts';
import { hasTokens } from '../support/optional.ts';
import { Client, makeToken } from '../support/service.ts';

const PRIVATE = ['email', 'lastSignInAt'];

onEachEngine('Private fields are seen by the user and by holders of permissions', async (t, engine) => {
  const { app, chief, clerk, person } = await startAddresses(t, engine);
  const ann = await person('ann');
  await ann.change({ email: 'ann@example.net' });
  const bob = await person('bob');
  const cleo = await person('cleo');
  await grant(app, cleo.id, 'users:read-private', 'tea:make');
  const groupId = await grant(app, ann.id);
  await app.db.atomically([app.db.memberships.add({ groupId, userId: bob.id, role: 'member' }, Date.now())]);
  /** @returns which of the fields are there, whatever they hold. */
  const shown = (user: object) => ['email', 'pendingEmail', 'lastSignInAt'].filter((field) => field in user);

  const ALL = ['email', 'pendingEmail', 'lastSignInAt'];
  const callers = [
    { who: 'The user themselves', by: ann.client, ofAnn: ALL, ofBob: [] },
    { who: 'Another user', by: bob.client, ofAnn: [], ofBob: ALL },
    { who: 'A holder of users:read-private', by: cleo.client, ofAnn: PRIVATE, ofBob: PRIVATE },
    { who: 'A holder of users:write', by: clerk, ofAnn: ALL, ofBob: ALL },
    { who: 'An administrator', by: chief, ofAnn: ALL, ofBob: ALL },
  ];
  for (const { who, by, ...sees } of callers) {
    t.test(`${who} sees as much of a user in lists as of the user alone`, async (t) => {
      const people = [
        { id: ann.id, expected: sees.ofAnn, q: 'ann' },
        { id: bob.id, expected: sees.ofBob, q: 'bob' },
      ];
      for (const { id, expected, q } of people) {
        t.strictSame(shown((await by.request('GET', `/api/users/${id}`)).json()), expected);
        for (const query of ['limit=100', `q=${q}`, 'active=true', `group=${groupId}`]) {
          const { items }: { items: { id: string }[] } = (
            await by.request('GET', `/api/users?${query}`)
          ).json();
          const listed = items.find((each) => each.id === id);
          t.ok(listed, query);
          t.strictSame(shown({ ...listed }), expected, query);
        }
      }
    });
  }

  t.test('A token sees what its scopes show, also of its owner', { skip: !hasTokens }, async (t) => {
    const rows = [
      { scopes: [], sees: [] },
      { scopes: ['tea:make'], sees: [] },
      { scopes: ['users:read-private'], sees: PRIVATE },
    ];
    for (const { scopes, sees } of rows) {
      const { headers } = await makeToken(cleo.client, { scopes });
      const get = async (url: string) =>
        (await new Client(app).request('GET', url, undefined, headers)).json();
      t.strictSame(shown((await get('/api/sign')).user), sees);
      t.strictSame(shown(await get(`/api/users/${cleo.id}`)), sees);
      t.strictSame(shown(await get(`/api/users/${bob.id}`)), sees);
      t.equal((await get('/api/users?q=bob@example.org')).items.length, sees.length > 0 ? 1 : 0);
    }
  });

  t.test('Signing in and asking who one is show the whole own user', async (t) => {
    const own = { email: 'ann@example.org', pendingEmail: 'ann@example.net', lastSignInAt: /Z$/ };
    const client = new Client(app);
    t.match((await client.signIn('ann')).json().user, own);
    t.match((await client.request('GET', '/api/sign')).json().user, own);
  });
});
