/** API tokens authenticate programs. A token never grants more than its owner holds at the time of the request. */
import { randomUUIDv7 } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { tokensIn } from '../../accounts/tokens.ts';
import { stopTheClock } from '../support/clock.ts';
import { onEachEngine } from '../support/engines.ts';
import { Client, makeToken, makeUser, quickHashing, signedIn, startService } from '../support/service.ts';

onEachEngine('An API token acts for its owner within its scopes', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  const ann = await makeUser(app, 'ann');
  const groupId = randomUUIDv7();
  const group = { id: groupId, name: 'clerks', title: '', permissions: ['users:write', 'audit:read'] };
  const join = app.db.memberships.add({ groupId, userId: ann, role: 'member' }, Date.now());
  await app.db.atomically([...app.db.groups.add(group, Date.now()), join]);
  const [chief, owner] = [await signedIn(app, 'chief'), await signedIn(app, 'ann')];
  const robot = new Client(app);
  const membership = `/api/groups/${groupId}/members/${ann}`;

  t.test('POST token returns a secret that scanners can find, and no later response shows it', async (t) => {
    const response = await owner.request('POST', '/api/tokens', { name: 'robot', scopes: ['audit:read'] });
    t.equal(response.statusCode, 201);
    t.equal(response.headers['cache-control'], 'no-store');
    const { secret, id, createdAt, ...rest } = response.json();
    t.equal(response.headers.location, `/api/tokens/${id}`);
    t.match(rest, { expiresAt: /Z$/ });
    t.strictSame(rest, { ...rest, name: 'robot', scopes: ['audit:read'], lastUsedAt: null });
    const [, text = '', sum] = /^(rc_[\w-]{43})([0-9a-f]{8})$/.exec(secret) ?? [];
    t.equal(sum, crc32(text).toString(16).padStart(8, '0'), 'the secret ends with its checksum');
    const listed = await owner.request('GET', '/api/tokens');
    t.match(listed.json(), { items: [{ id, createdAt }] });
    t.notMatch(listed.payload, secret);
  });

  t.test('POST token answers 401 when the user is disabled during the request', async (t) => {
    const id = await makeUser(app, 'dora');
    const dora = await signedIn(app, 'dora');
    const { atomically } = app.db;
    let disabled = false;
    const interception = t.capture(app.db, 'atomically', async (steps: Parameters<typeof atomically>[0]) => {
      const row = disabled ? undefined : await app.db.users.find(id);
      disabled = true;
      if (row) await atomically([app.db.users.change({ ...row, active: false }, Date.now())]);
      return atomically(steps);
    });
    const response = await dora.request('POST', '/api/tokens', { name: 'robot' });
    interception.restore();
    t.equal(response.statusCode, 401);
    t.notMatch(response.payload, 'rc_');
    t.strictSame(await tokensIn(app.db).page(id, '', 10), []);
  });

  t.test('A token holds the scopes that its owner holds at that time', async (t) => {
    const tokens = {
      none: await makeToken(owner),
      some: await makeToken(owner, { scopes: ['users:write'] }),
      both: await makeToken(owner, { scopes: ['users:write', 'audit:read'] }),
    };
    const permissions = async (headers: Record<string, string>) =>
      (await robot.request('GET', '/api/sign', undefined, headers)).json().permissions;
    const all = async () => Promise.all(Object.values(tokens).map(({ headers }) => permissions(headers)));
    const writes = async () => {
      const payload = { username: `user-${randomUUIDv7()}` };
      return (await robot.request('POST', '/api/users', payload, tokens.some.headers)).statusCode;
    };
    t.strictSame(await all(), [[], ['users:write'], ['audit:read', 'users:write']]);
    t.equal(await writes(), 201);
    await chief.request('PATCH', `/api/groups/${groupId}`, { permissions: ['audit:read'] });
    t.strictSame(await all(), [[], [], ['audit:read']], 'the token loses what the owner loses');
    t.equal(await writes(), 403);
    await chief.request('DELETE', membership);
    t.strictSame(await all(), [[], [], []]);
    await chief.request('PATCH', `/api/groups/${groupId}`, { permissions: ['*'] });
    await chief.request('PUT', membership, { role: 'member' });
    t.strictSame(
      await all(),
      [[], ['users:write'], ['audit:read', 'users:write']],
      'the token gains nothing beyond its scopes',
    );
    await owner.signIn('ann');
    const everything = await makeToken(owner, { scopes: ['*'] });
    t.strictSame(await permissions(everything.headers), ['*']);
    await chief.request('PATCH', `/api/groups/${groupId}`, { permissions: group.permissions });
    t.strictSame(
      await permissions(everything.headers),
      ['audit:read', 'users:write'],
      '* means what the owner holds',
    );
  });

  t.test('A token is told when it lacks a scope, and when its owner lacks the permission', async (t) => {
    const { headers } = await makeToken(owner, { scopes: ['audit:read', 'users:write'] });
    const makeGroup = () => robot.request('POST', '/api/groups', { name: 'new' }, headers);
    const lacking = await makeGroup();
    t.equal(lacking.statusCode, 403);
    t.match(lacking.json(), { type: 'urn:rollcall:problem:insufficient-scope', detail: /groups:write/ });
    t.equal(
      lacking.headers['www-authenticate'],
      'Bearer realm="rollcall", error="insufficient_scope", scope="groups:write"',
      'RFC 6750, section 3.1',
    );
    await chief.request('PATCH', `/api/groups/${groupId}`, { permissions: ['users:write'] });
    const ownerLacks = await robot.request('GET', '/api/audit', undefined, headers);
    await chief.request('PATCH', `/api/groups/${groupId}`, { permissions: group.permissions });
    t.match(ownerLacks.json(), { status: 403, type: 'urn:rollcall:problem:missing-permission' });
    t.equal(ownerLacks.headers['www-authenticate'], undefined, 'another token would not help');
    // Getting the permission back has ended the session.
    await owner.signIn('ann');
    const session = await owner.request('POST', '/api/groups', { name: 'new' });
    t.match(session.json(), { status: 403, type: 'urn:rollcall:problem:missing-permission' });
    t.equal(session.headers['www-authenticate'], undefined, 'a session has no scopes');
  });

  t.test("A token cannot administer its owner's account, sessions, tokens or memberships", async (t) => {
    const { headers } = await makeToken(owner, { scopes: ['users:write'] });
    const { headers: unscoped } = await makeToken(owner);
    for (const changes of [
      { name: 'x' },
      { email: 'thief@example.org' },
      { name: 'x', email: null },
      { username: 'x' },
      { active: false },
      { name: '' },
    ])
      for (const credential of [headers, unscoped]) {
        const response = await robot.request('PATCH', `/api/users/${ann}`, changes, credential);
        t.equal(response.statusCode, 403, JSON.stringify(changes));
        t.match(response.json(), { type: 'urn:rollcall:problem:session-required' }, 'for all fields alike');
      }
    const bob = await makeUser(app, 'bob');
    const another = await robot.request('PATCH', `/api/users/${bob}`, { name: 'Bob' }, headers);
    t.equal(another.statusCode, 200, 'another user is changed by the scope');
    const refused = [
      await robot.request('PATCH', `/api/users/${ann}`, { email: 'thief@example.org' }, headers),
      await robot.request('POST', `/api/users/${ann}/reset`, undefined, headers),
      await robot.request('DELETE', `/api/users/${ann}`, undefined, headers),
      await robot.request('GET', '/api/sessions', undefined, headers),
      await robot.request('DELETE', '/api/sessions', undefined, headers),
      await robot.request('POST', '/api/tokens', { name: 'another' }, headers),
      await robot.request('DELETE', membership, undefined, headers),
    ];
    t.strictSame(new Set(refused.map(({ statusCode }) => statusCode)), new Set([403]));
  });

  t.test('GET tokens shows the last use of a token to within five minutes', async (t) => {
    const advance = stopTheClock(t);
    const { id, headers } = await makeToken(owner);
    const lastUsed = async () => {
      const { items } = (await owner.request('GET', '/api/tokens?limit=100')).json();
      return items.find((each: { id: string }) => each.id === id).lastUsedAt;
    };
    t.equal(await lastUsed(), null);
    const use = () => robot.request('GET', '/api/sign', undefined, headers);
    const first = new Date().toISOString();
    await Promise.all([use(), use(), use()]);
    t.equal(await lastUsed(), first);
    advance(5 * 60 - 0.001);
    const writes = t.capture(app.db, 'atomically', app.db.atomically);
    await use();
    t.equal(writes().length, 0);
    t.equal(await lastUsed(), first);
    advance(0.001);
    await use();
    t.equal(await lastUsed(), new Date().toISOString());
  });

  t.test('GET tokens lists each token once in pages of any size', async (t) => {
    await makeUser(app, 'collector');
    const collector = await signedIn(app, 'collector');
    const made = [];
    for (let n = 0; n < 7; n++) made.push((await makeToken(collector)).id);
    for (const limit of [1, 3, 7, 100]) {
      const seen: string[] = [];
      let next: string | undefined = `/api/tokens?limit=${limit}`;
      while (next && seen.length < 100) {
        const response = await collector.request('GET', next);
        seen.push(...response.json().items.map(({ id }: { id: string }) => id));
        next = /^<(.+)>; rel="next"$/.exec(String(response.headers.link ?? ''))?.[1];
      }
      t.strictSame(seen.sort(), made.sort(), `pages of ${limit}`);
    }
  });
});
