/**
 * The address that users give themselves is pending: nothing is decided by it until a holder of users:write with authority over them
 * sends the same one.
 */
import { grant, startAddresses } from '../support/addresses.ts';
import { onEachEngine } from '../support/engines.ts';
import { hasTokens } from '../support/optional.ts';
import { Client, makeToken, makeUser, signedIn } from '../support/service.ts';

onEachEngine('An address that users give themselves is pending', async (t, engine) => {
  const { app, chief, person, newestEntry } = await startAddresses(t, engine);
  const canSignIn = async (name: string) => (await new Client(app).signIn(name)).statusCode === 200;

  t.test('It is kept beside the old one, which still signs in, and is in the audit trail', async (t) => {
    const ann = await person('ann');
    const response = await ann.change({ email: 'Ann@example.net' });
    t.equal(response.statusCode, 200);
    t.equal(response.headers.etag, '"2"');
    t.match(response.json(), { email: 'ann@example.org', pendingEmail: 'Ann@example.net' });
    const [before, after] = [{ pendingEmail: null }, { pendingEmail: 'Ann@example.net' }];
    const entry = await newestEntry();
    t.match(entry, { event: 'user-changed', targetId: ann.id });
    t.strictSame([entry?.before, entry?.after], [before, after]);
    t.ok(await canSignIn('ann@example.org'));
    t.notOk(await canSignIn('ann@example.net'));

    t.equal(
      (await ann.change({ email: 'Ann@example.net' })).headers.etag,
      '"2"',
      'the same again is no change',
    );
    await ann.change({ email: 'ann@example.com' });
    t.match(await ann.addresses(), { pendingEmail: 'ann@example.com' }, 'a later one takes its place');
  });

  t.test('It takes part in no search, and another user can get and have it', async (t) => {
    const [bob, bea] = [await person('bob'), await person('bea')];
    for (const { change } of [bob, bea])
      t.equal((await change({ email: 'both@example.net' })).statusCode, 200);
    const found = await chief.request('GET', '/api/users?q=both@example.net');
    t.strictSame(found.json().items, []);
    const made = { username: 'new', email: 'both@example.net' };
    t.equal((await chief.request('POST', '/api/users', made)).statusCode, 201);
  });

  t.test('The answer for an address that another user has equals that for one that nobody has', async (t) => {
    await makeUser(app, 'owner');
    const answers = [];
    for (const [n, email] of ['owner@example.org', 'OWNER@example.org', 'nobody@example.org'].entries()) {
      const { id, change } = await person(`curious-${n}`);
      const { statusCode, headers, payload, json } = await change({ email });
      const { updatedAt, createdAt, lastSignInAt, pendingEmail, ...user } = json();
      t.equal(pendingEmail, email);
      const { date, 'x-request-id': requestId, 'content-length': length, ...others } = headers;
      t.equal(Number(length), payload.length);
      const body = JSON.stringify(user).replaceAll(`curious-${n}`, 'curious').replace(id, 'ID');
      answers.push({ statusCode, headers: others, body });
    }
    t.match(answers[0], { statusCode: 200 });
    t.strictSame(answers.slice(1), [answers[0], answers[0]]);
  });

  t.test('Users take back what is pending by sending the address that they have', async (t) => {
    const { change, addresses } = await person('carl');
    await change({ email: 'carl@example.net' });
    t.equal((await change({ email: 'Carl@example.org' })).statusCode, 200);
    const other = { email: 'carl@example.org', pendingEmail: 'Carl@example.org' };
    t.strictSame(await addresses(), other, 'another spelling is another address');
    t.equal((await change({ email: 'carl@example.org' })).statusCode, 200);
    t.strictSame(await addresses(), { email: 'carl@example.org', pendingEmail: null });
    t.equal((await change({ email: 'carl@example.org' })).headers.etag, '"4"', 'and then nothing changes');
  });

  t.test('Users take away their address at once, and what is pending with it', async (t) => {
    const { change, addresses } = await person('dora');
    await change({ email: 'dora@example.net' });
    const response = await change({ email: null });
    t.match(response.json(), { email: null, pendingEmail: null });
    t.strictSame(await addresses(), { email: null, pendingEmail: null });
    t.match(await newestEntry(), {
      before: { email: 'dora@example.org', pendingEmail: 'dora@example.net' },
      after: { email: null, pendingEmail: null },
    });
    t.notOk(await canSignIn('dora@example.org'));
  });

  t.test('A change of other fields leaves it pending', async (t) => {
    const { id, change, addresses } = await person('emil');
    await change({ email: 'emil@example.net' });
    await change({ name: 'Emil' });
    await change({ username: 'emilio', active: true }, chief);
    const left = { email: 'emil@example.org', pendingEmail: 'emil@example.net' };
    t.strictSame(await addresses(), left);
    t.equal((await chief.request('DELETE', `/api/users/${id}`)).statusCode, 204);
    t.match(await newestEntry(), { event: 'user-deleted', targetId: id, before: left });
  });
});

onEachEngine('A pending address takes effect when a holder of users:write sends it', async (t, engine) => {
  const { app, chief, clerk, person, newestEntry } = await startAddresses(t, engine);

  t.test('A holder with authority over the user confirms it', async (t) => {
    const { change, addresses } = await person('ann');
    await change({ email: 'ann@example.net' });
    const response = await change({ email: 'ann@example.net' }, clerk);
    t.match(response.json(), { email: 'ann@example.net', pendingEmail: null });
    t.strictSame(await addresses(), { email: 'ann@example.net', pendingEmail: null });
    t.match(await newestEntry(), {
      before: { email: 'ann@example.org', pendingEmail: 'ann@example.net' },
      after: { email: 'ann@example.net', pendingEmail: null },
    });
    t.equal((await new Client(app).signIn('ann@example.net')).statusCode, 200);
    t.equal((await new Client(app).signIn('ann@example.org')).statusCode, 401);
  });

  t.test('A token with the scope users:write confirms it', { skip: !hasTokens }, async (t) => {
    const { change, addresses } = await person('bob');
    await change({ email: 'bob@example.net' });
    const { headers } = await makeToken(clerk, { scopes: ['users:write'] });
    t.equal((await change({ email: 'bob@example.net' }, new Client(app), headers)).statusCode, 200);
    t.strictSame(await addresses(), { email: 'bob@example.net', pendingEmail: null });
  });

  t.test('A holder without authority over the user can not confirm it', async (t) => {
    const { id, change, addresses } = await person('cem');
    await change({ email: 'cem@example.net' });
    await grant(app, id, 'audit:read');
    t.equal((await change({ email: 'cem@example.net' }, clerk)).statusCode, 403);
    t.strictSame(await addresses(), { email: 'cem@example.org', pendingEmail: 'cem@example.net' });
  });

  for (const answer of ['dora@example.org', 'd.moss@example.org', null]) {
    t.test(`Another address of theirs (${answer}) refuses it: nothing is pending any more`, async (t) => {
      const { id, change, addresses } = await person('dora');
      await change({ email: 'dora@example.net' });
      t.equal((await change({ email: answer }, clerk)).statusCode, 200);
      t.strictSame(await addresses(), { email: answer, pendingEmail: null });
      t.equal((await chief.request('DELETE', `/api/users/${id}`)).statusCode, 204);
    });
  }

  t.test('It is refused with 409, and stays pending, if another user has it by then', async (t) => {
    const { change, addresses } = await person('emil');
    await change({ email: 'fay@example.org' });
    await makeUser(app, 'fay');
    const response = await change({ email: 'fay@example.org' }, clerk);
    t.equal(response.statusCode, 409);
    t.match(response.json(), { errors: [{ in: 'body', pointer: '/email', code: 'taken' }] });
    t.strictSame(await addresses(), { email: 'emil@example.org', pendingEmail: 'fay@example.org' });
  });

  t.test('Who holds users:write sets their own address directly, in a session alone', async (t) => {
    const { id, change, addresses } = await person('gus');
    await change({ email: 'gus@example.net' });
    await grant(app, id, 'users:write');
    if (hasTokens) {
      const { headers } = await makeToken(await signedIn(app, 'gus'), { scopes: ['users:write'] });
      t.equal((await change({ email: 'gus@example.net' }, new Client(app), headers)).statusCode, 403);
    }
    t.equal((await change({ email: 'chief@example.org' })).statusCode, 409);
    t.match((await change({ email: 'gus@example.net' })).json(), {
      email: 'gus@example.net',
      pendingEmail: null,
    });
    t.strictSame(await addresses(), { email: 'gus@example.net', pendingEmail: null });
  });
});
