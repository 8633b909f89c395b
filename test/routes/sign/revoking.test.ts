/** Sessions and tokens end when the password changes, when the user is disabled or deleted, or on request. */
import { onEachEngine } from '../../support/engines.ts';
import { hasTokens } from '../../support/optional.ts';
import {
  Client,
  makeToken,
  makeUser,
  PASSWORD,
  quickHashing,
  signedIn,
  startService,
  whoamiStatus,
} from '../../support/service.ts';

const NEW_PASSWORD = 'another password';

onEachEngine('Sessions and tokens are revoked', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  const admin = await signedIn(app, 'chief');

  t.test('Changing the password ends the other sessions and renews the current one (case 22)', async (t) => {
    const id = await makeUser(app, 'ann');
    const present = await signedIn(app, 'ann');
    const others = [await signedIn(app, 'ann'), await signedIn(app, 'ann')];
    const bystander = await makeUser(app, 'bystander').then(() => signedIn(app, 'bystander'));
    const token = hasTokens ? await makeToken(present) : undefined;
    const issued = (await admin.request('POST', `/api/users/${id}/reset`)).json();
    const { cookie } = present;
    const { session } = (await present.request('GET', '/api/sign')).json();

    const change = { current: PASSWORD, password: NEW_PASSWORD };
    const response = await present.request('PUT', `/api/users/${id}/password`, change);
    t.equal(response.statusCode, 204);
    t.equal(response.cookies.length, 1);
    t.match(response.cookies[0], { name: 'rollcall', path: '/', httpOnly: true, sameSite: 'Lax' });
    for (const other of others) t.equal(await whoamiStatus(other), 401);
    t.equal(await whoamiStatus(bystander), 200);
    t.not(present.cookie, cookie);
    t.match((await present.request('GET', '/api/sign')).json(), { session: { id: session.id }, fresh: true });
    const thief = new Client(app);
    thief.cookie = cookie;
    t.equal(await whoamiStatus(thief), 401, 'the old cookie is refused');
    t.equal((await new Client(app).signIn('ann')).statusCode, 401, 'the old password is refused');
    t.equal((await new Client(app).signIn('ann', NEW_PASSWORD)).statusCode, 200);
    const reset = { code: issued.code, password: PASSWORD };
    t.equal(
      (await thief.request('POST', '/api/sign/reset', reset)).statusCode,
      400,
      'the reset code is refused',
    );

    if (!token) return;
    t.equal(await whoamiStatus(new Client(app), token.headers), 200, 'the token stays valid');
    const listed = (await present.request('GET', '/api/tokens')).json();
    t.match(listed, { items: [{ id: token.id }], next: null });
    t.notMatch(JSON.stringify(listed), token.secret);
    t.equal((await present.request('DELETE', `/api/tokens/${token.id}`)).statusCode, 204);
    t.equal(await whoamiStatus(new Client(app), token.headers), 401, 'the ended token is refused');
    t.strictSame((await present.request('GET', '/api/tokens')).json().items, []);
  });

  t.test('Disabling or deleting a user ends their sessions and tokens at once (case 23)', async (t) => {
    const ends = [
      { name: 'disabled', method: 'PATCH', payload: { active: false } },
      { name: 'deleted', method: 'DELETE', payload: undefined },
    ];
    for (const { name, method, payload } of ends) {
      const id = await makeUser(app, name);
      const clients = [await signedIn(app, name), await signedIn(app, name)];
      const token = hasTokens && (await makeToken(clients[0] ?? new Client(app)));
      for (const client of clients) t.equal(await whoamiStatus(client), 200);
      if (token) t.equal(await whoamiStatus(new Client(app), token.headers), 200);
      t.match((await admin.request(method, `/api/users/${id}`, payload)).statusCode, /^20[04]$/);
      for (const client of clients) t.equal(await whoamiStatus(client), 401, name);
      if (token) t.equal(await whoamiStatus(new Client(app), token.headers), 401);
      t.strictSame(await app.db.sessions.page(id, '', 100, Date.now()), [], 'no row is left');
    }
  });

  t.test('Ending one, all other, or all sessions of a user ends exactly those (case 25)', async (t) => {
    const id = await makeUser(app, 'bob');
    await makeUser(app, 'cem');
    const cem = await signedIn(app, 'cem');
    const one = await signedIn(app, 'bob');
    const two = await signedIn(app, 'bob');
    const three = await signedIn(app, 'bob');
    const statuses = () => Promise.all([one, two, three, cem, admin].map((client) => whoamiStatus(client)));
    const idOf = async (client: Client) => (await client.request('GET', '/api/sign')).json().session.id;
    const { items } = (await one.request('GET', '/api/sessions')).json();
    t.strictSame(
      items.map((each: { id: string; current: boolean }) => [each.id, each.current]),
      [
        [await idOf(one), true],
        [await idOf(two), false],
        [await idOf(three), false],
      ],
    );

    t.equal(
      (await one.request('DELETE', `/api/sessions/${await idOf(cem)}`)).statusCode,
      404,
      "another user's session is not found",
    );
    t.equal((await one.request('DELETE', `/api/sessions/${await idOf(two)}`)).statusCode, 204);
    t.strictSame(await statuses(), [200, 401, 200, 200, 200]);
    await two.signIn('bob');
    t.equal((await one.request('DELETE', '/api/sessions')).statusCode, 204);
    t.strictSame(await statuses(), [200, 401, 401, 200, 200]);
    await two.signIn('bob');
    t.equal((await admin.request('DELETE', `/api/users/${id}/sessions`)).statusCode, 204);
    t.strictSame(await statuses(), [401, 401, 401, 200, 200]);
  });
});
