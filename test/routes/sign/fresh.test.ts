/** Sensitive changes need a fresh session: the user must have given the password within 15 minutes. */
import { randomUUIDv7 } from 'node:crypto';
import { stopTheClock } from '../../support/clock.ts';
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
} from '../../support/service.ts';

/** How long a session is fresh, in seconds. */
const FRESH = 15 * 60;

onEachEngine('Sensitive changes need a fresh session', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  const isFresh = async (client: Client, headers = {}) =>
    (await client.request('GET', '/api/sign', undefined, headers)).json().fresh;
  /** The requests that need a fresh session, and their status when it is fresh. */
  const sensitive = (id: string) =>
    [
      ...(hasTokens
        ? [{ method: 'POST', url: '/api/tokens', payload: { name: 'new' }, done: 201 } as const]
        : []),
      {
        method: 'PUT',
        url: `/api/users/${id}/password`,
        payload: { current: PASSWORD, password: PASSWORD },
        done: 204,
      },
    ] as const;

  t.test('A sensitive change answers 403 until the user confirms the password (case 26)', async (t) => {
    const id = await makeUser(app, 'ann');
    const advance = stopTheClock(t);
    for (const { method, url, payload, done } of sensitive(id)) {
      const client = await signedIn(app, 'ann');
      const other = await signedIn(app, 'ann');
      advance(FRESH - 0.001);
      t.equal(await isFresh(client), true);
      advance(0.001);
      t.equal(await isFresh(client), false, 'using the session does not keep it fresh');
      const refused = await client.request(method, url, payload);
      t.equal(refused.statusCode, 403, `${method} ${url}`);
      t.match(refused.json(), {
        type: 'urn:rollcall:problem:confirm',
        detail: /POST \/api\/sign\/confirm/,
      });

      const confirmed = await client.request('POST', '/api/sign/confirm', { password: PASSWORD });
      t.equal(confirmed.statusCode, 204);
      t.equal(await isFresh(client), true);
      t.equal(await isFresh(other), false, 'the other session is not confirmed');
      t.equal((await client.request(method, url, payload)).statusCode, done);
    }
  });

  t.test('What takes more away than another change asks for a fresh session as well', async (t) => {
    await makeUser(app, 'boss', { admin: true });
    const advance = stopTheClock(t);
    const client = await signedIn(app, 'boss');
    const token = hasTokens ? await makeToken(client, { scopes: ['*'] }) : undefined;
    let count = 0;
    const newUser = async () => `/api/users/${await makeUser(app, `person-${++count}`)}`;
    const newGroup = async (permissions: string[]) => {
      const group = { id: randomUUIDv7(), name: `group-${++count}`, title: '', permissions };
      await app.db.atomically(app.db.groups.add(group, Date.now()));
      return `/api/groups/${group.id}`;
    };
    const withPermissions = () => newGroup(['tea:make']);
    const cases = [
      { make: newUser, method: 'PATCH', body: { active: false }, done: 200, asks: true },
      { make: newUser, method: 'DELETE', done: 204, asks: true },
      { make: withPermissions, method: 'PATCH', body: { permissions: [] }, done: 200, asks: true },
      { make: withPermissions, method: 'DELETE', done: 204, asks: true },
      { make: () => newGroup([]), method: 'DELETE', done: 204, asks: true },
      { make: () => newGroup([]), method: 'PATCH', body: { title: 'x' }, done: 200, asks: false },
      { make: newUser, method: 'PATCH', body: { name: 'x' }, done: 200, asks: false },
    ];
    const robot = new Client(app);
    for (const { make, method, body, done, asks } of cases) {
      const [url, another] = [await make(), await make()];
      advance(FRESH);
      const response = await client.request(method, url, body);
      t.equal(response.statusCode, asks ? 403 : done, `${method} ${url}`);
      if (asks) {
        t.match(response.json(), { type: 'urn:rollcall:problem:confirm' });
        t.equal((await client.request('GET', url)).statusCode, 200, 'nothing is removed');
        await client.request('POST', '/api/sign/confirm', { password: PASSWORD });
        t.equal((await client.request(method, url, body)).statusCode, done, 'a fresh session may');
      }
      if (!token) continue;
      const answer = await robot.request(method, another, body, token.headers);
      t.equal(answer.statusCode, done, 'tokens are not asked');
    }
  });

  t.test(
    'Making users, issuing codes and ending other sessions ask for a fresh session (7.5.2, 7.5.3)',
    async (t) => {
      await makeUser(app, 'keeper', { admin: true });
      const advance = stopTheClock(t);
      const token = hasTokens ? await makeToken(await signedIn(app, 'keeper'), { scopes: ['*'] }) : undefined;
      let count = 0;
      const living = async (id: string) => (await app.db.sessions.page(id, '', 100, Date.now())).length;
      const cases = [
        {
          what: 'POST /api/users',
          line: () => '/api/users',
          body: () => ({ username: `made-${++count}` }),
          done: 201,
        },
        { what: 'POST /api/users/:id/reset', line: (id: string) => `/api/users/${id}/reset`, done: 201 },
        {
          what: 'DELETE /api/users/:id/sessions',
          line: (id: string) => `/api/users/${id}/sessions`,
          done: 204,
        },
        { what: 'DELETE /api/sessions', line: () => '/api/sessions', done: 204, sessionOnly: true },
        {
          what: 'DELETE /api/sessions/:id',
          line: (_id: string, own: string) => `/api/sessions/${own}`,
          done: 204,
          sessionOnly: true,
        },
      ];
      const robot = new Client(app);
      for (const { what, line, body, done, sessionOnly } of cases) {
        const method = what.startsWith('POST') ? 'POST' : 'DELETE';
        const target = await makeUser(app, `target-${++count}`);
        await signedIn(app, `target-${count}`);
        const client = await signedIn(app, 'keeper');
        const other = (await (await signedIn(app, 'keeper')).request('GET', '/api/sign')).json();
        const url = line(target, other.session.id);
        const before = [await living(target), await living(other.user.id)];
        advance(FRESH);
        const refused = await client.request(method, url, body?.());
        t.equal(refused.statusCode, 403, what);
        t.match(refused.json(), { type: 'urn:rollcall:problem:confirm' });
        t.strictSame([await living(target), await living(other.user.id)], before, `${what} ends nothing`);
        if (token && !sessionOnly) {
          const answer = await robot.request(method, url, body?.(), token.headers);
          t.equal(answer.statusCode, done, `${what}: tokens are not asked`);
        }
        await client.request('POST', '/api/sign/confirm', { password: PASSWORD });
        t.equal((await client.request(method, url, body?.())).statusCode, done, `${what} in a fresh session`);
      }
    },
  );

  t.test(
    'Changing what a user signs in with, or is reached at, asks for a fresh session (7.5.1)',
    async (t) => {
      const own = await makeUser(app, 'mara');
      const another = await makeUser(app, 'noor');
      await makeUser(app, 'head', { admin: true });
      const advance = stopTheClock(t);
      const cases = [
        { by: 'mara', id: own, changes: { email: 'mara@example.com' } },
        { by: 'mara', id: own, changes: { email: null } },
        { by: 'head', id: another, changes: { email: 'noor@example.com' } },
        { by: 'head', id: another, changes: { username: 'nora' } },
      ];
      for (const { by, id, changes } of cases) {
        const client = await signedIn(app, by);
        advance(FRESH);
        const before = await app.db.users.find(id);
        const change = () => client.request('PATCH', `/api/users/${id}`, changes);
        const refused = await change();
        t.equal(refused.statusCode, 403, `${by} ${JSON.stringify(changes)}`);
        t.match(refused.json(), { type: 'urn:rollcall:problem:confirm' });
        t.strictSame(await app.db.users.find(id), before);
        await client.request('POST', '/api/sign/confirm', { password: PASSWORD });
        t.equal((await change()).statusCode, 200);
        t.strictNotSame(await app.db.users.find(id), before);
      }
    },
  );

  t.test('Signing out, and ending the session that one uses, never ask for a fresh session', async (t) => {
    await makeUser(app, 'leaver');
    const advance = stopTheClock(t);
    const [leaver, ender] = [await signedIn(app, 'leaver'), await signedIn(app, 'leaver')];
    const { session } = (await ender.request('GET', '/api/sign')).json();
    advance(FRESH);
    t.equal((await ender.request('DELETE', `/api/sessions/${session.id}`)).statusCode, 204);
    t.equal((await ender.request('GET', '/api/sign')).statusCode, 401);
    t.equal((await leaver.request('POST', '/api/sign/out')).statusCode, 204);
  });

  t.test(
    'Confirming with a wrong password is refused, throttled, and keeps the session (case 27)',
    async (t) => {
      await makeUser(app, 'bob');
      const advance = stopTheClock(t);
      const client = await signedIn(app, 'bob');
      advance(FRESH);
      const { session } = (await client.request('GET', '/api/sign')).json();
      const confirm = (password: string) => client.request('POST', '/api/sign/confirm', { password });
      for (let time = 0; time < 3; time++) {
        const response = await confirm('wrong');
        t.equal(response.statusCode, 403, 'a client does not take the session for ended');
        t.match(response.json(), {
          type: 'urn:rollcall:problem:wrong-password',
          errors: [{ in: 'body', pointer: '/password', code: 'wrong' }],
        });
        t.equal(response.headers['set-cookie'], undefined);
      }
      t.match((await client.request('GET', '/api/sign')).json(), { fresh: false, session });

      // Sign-in and confirm share one count, so an attacker does not get twice as many attempts.
      for (let time = 0; time < 2; time++)
        t.equal((await new Client(app).signIn('bob', 'wrong')).statusCode, 401);
      const throttled = await confirm(PASSWORD);
      t.equal(throttled.statusCode, 429);
      t.equal(throttled.headers['retry-after'], '900');
      t.equal((await new Client(app).signIn('bob')).statusCode, 429);
      t.match(
        (await client.request('GET', '/api/sign')).json(),
        { fresh: false, session },
        'the session is unchanged',
      );
      advance(15 * 60);
      t.equal((await confirm(PASSWORD)).statusCode, 204, 'confirming works after the window has expired');
    },
  );

  if (hasTokens)
    t.test('A token never counts as fresh (case 28)', async (t) => {
      const id = await makeUser(app, 'chief', { admin: true });
      const { headers } = await makeToken(await signedIn(app, 'chief'), { scopes: ['*'] });
      const client = new Client(app);
      t.equal(await isFresh(client, headers), false);
      for (const { method, url, payload } of sensitive(id)) {
        const response = await client.request(method, url, payload, headers);
        t.equal(response.statusCode, 403, `${method} ${url}`);
        t.match(response.json(), { type: 'urn:rollcall:problem:session-required' });
      }
      const password = { password: PASSWORD };
      t.equal((await client.request('POST', '/api/sign/confirm', password, headers)).statusCode, 403);
      t.equal(await isFresh(client, headers), false);
    });
});
