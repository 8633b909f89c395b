/** Who set a password last, and when: shown to those who make users or say who belongs to groups. */
import { commandsOn, objects, succeeds } from '../support/commands.ts';
import { onEachEngine } from '../support/engines.ts';
import { hasTokens } from '../support/optional.ts';
import {
  Client,
  makeToken,
  makeUser,
  PASSWORD,
  quickHashing,
  signedIn,
  startService,
} from '../support/service.ts';

const NEW = 'another password';

onEachEngine('GET user, the list of members and "user show" tell who set a password', async (t, engine) => {
  const settings = { SIGN_UP: 'open' as const };
  const { app, settings: all } = await startService(t, engine, { settings, hashing: quickHashing });
  const chiefId = await makeUser(app, 'chief', { admin: true });
  const chief = await signedIn(app, 'chief');
  const command = commandsOn(all.DATABASE_URL);
  const { id: group } = (await chief.request('POST', '/api/groups', { name: 'team' })).json();
  const idOf = async (name: string) => (await app.db.users.findCredentials(name))?.id ?? '';
  const began = new Date().toISOString();

  /** Looks at all places. */
  async function expectSetBy(name: string, expected: { by: string; userId?: string } | null) {
    const id = await idOf(name);
    const setBy = (await chief.request('GET', `/api/users/${id}`)).json().passwordSetBy;
    const { at, ...rest } = setBy ?? {};
    t.strictSame(setBy && rest, expected, `${name}: ${JSON.stringify(expected)}`);
    if (setBy) t.ok(at >= began && at <= new Date().toISOString());
    const put = await chief.request('PUT', `/api/groups/${group}/members/${id}`, { role: 'member' });
    t.strictSame(put.json().passwordSetBy, setBy);
    const { items } = (await chief.request('GET', `/api/groups/${group}/members?limit=100`)).json();
    const listed = items.find((each: { user: { id: string } }) => each.user.id === id);
    t.strictSame(listed.passwordSetBy, setBy);
    const shown = await command(['user', 'show', name, '--json']);
    t.match(objects(shown), [{ passwordSetBy: setBy }]);
  }

  await expectSetBy('chief', null);
  t.match(
    (await command(['user', 'show', 'chief'])).stdout,
    /password {6}set by nobody, or by an earlier version\n/,
  );

  const signUp = { username: 'self', password: PASSWORD };
  t.equal((await new Client(app).request('POST', '/api/sign/up', signUp)).statusCode, 201);
  await expectSetBy('self', { by: 'self' });

  const made = await chief.request('POST', '/api/users', { username: 'ann', password: PASSWORD });
  t.match(made.json().passwordSetBy, { by: 'user', userId: chiefId });
  await expectSetBy('ann', { by: 'user', userId: chiefId });
  t.match(
    (await command(['user', 'show', 'ann'])).stdout,
    new RegExp(`password {6}set by user ${chiefId}, 2`),
  );

  if (hasTokens) {
    const { headers } = await makeToken(chief, { scopes: ['users:write'] });
    const byToken = { username: 'robot', password: PASSWORD };
    t.equal((await new Client(app).request('POST', '/api/users', byToken, headers)).statusCode, 201);
    await expectSetBy('robot', { by: 'user', userId: chiefId });
  }

  const ann = await signedIn(app, 'ann');
  const own = { current: PASSWORD, password: NEW };
  t.equal((await ann.request('PUT', `/api/users/${await idOf('ann')}/password`, own)).statusCode, 204);
  await expectSetBy('ann', { by: 'self' });

  const { code } = (await chief.request('POST', `/api/users/${await idOf('ann')}/reset`)).json();
  t.equal((await ann.request('POST', '/api/sign/reset', { code, password: NEW })).statusCode, 204);
  await expectSetBy('ann', { by: 'code', userId: chiefId });

  succeeds(t, await command(['user', 'password', 'ann', '--password-stdin'], NEW));
  await expectSetBy('ann', { by: 'operator' });

  succeeds(t, await command(['user', 'create', 'bob', '--password-stdin'], NEW));
  await expectSetBy('bob', { by: 'operator' });

  const ofOperator = (await command(['user', 'code', 'bob'])).stdout.trim();
  t.equal(
    (await ann.request('POST', '/api/sign/reset', { code: ofOperator, password: NEW })).statusCode,
    204,
  );
  await expectSetBy('bob', { by: 'code' });
  t.match((await command(['user', 'show', 'bob'])).stdout, /password {6}set by a code of the operator, 2/);

  const invited = await chief.request('POST', '/api/users', { username: 'new' });
  t.equal(invited.json().passwordSetBy, null);
  await expectSetBy('new', null);
});

onEachEngine('Only holders of users:write or groups:write see who set a password', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  const id = await makeUser(app, 'ann');
  const [chief, ann] = [await signedIn(app, 'chief'), await signedIn(app, 'ann')];
  const path = `/api/users/${id}`;
  t.notOk('passwordSetBy' in (await ann.request('GET', path)).json(), 'not of oneself');
  t.notOk('passwordSetBy' in (await ann.request('PATCH', path, { name: 'Ann' })).json());
  t.ok('passwordSetBy' in (await chief.request('PATCH', path, { name: 'Ann A.' })).json());
  for (const { scopes, sees } of [
    { scopes: ['users:write'], sees: true },
    { scopes: ['groups:write'], sees: true },
    { scopes: ['*'], sees: true },
    { scopes: ['audit:read', 'sessions:write'], sees: false },
    { scopes: [], sees: false },
  ]) {
    if (!hasTokens) break;
    const { headers } = await makeToken(chief, { scopes });
    const user = (await new Client(app).request('GET', path, undefined, headers)).json();
    t.equal('passwordSetBy' in user, sees, `a token with the scopes ${scopes}`);
  }
  const { items } = (await chief.request('GET', '/api/users')).json();
  t.notOk('passwordSetBy' in items[0], 'lists do not tell');
});
