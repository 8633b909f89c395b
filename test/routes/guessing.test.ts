/**
 * Guessing is bounded by network over all names, and by name over all networks. Nobody locks another out of the networks from which
 * they sign in.
 */
import { onEachEngine } from '../support/engines.ts';
import { fail, guess, sendFrom, signInFrom, startGuessing } from '../support/guessing.ts';
import { startTwo } from '../support/meeting.ts';
import { Client, makeUser, PASSWORD } from '../support/service.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WINDOW = 15 * MINUTE;
const NAME_LIMIT = 20;

const BY_NETWORK = [
  {
    network: 'an IPv4 address',
    bound: 'network',
    limit: 50,
    from: () => '192.0.2.1',
    inside: '192.0.2.1',
    outside: '192.0.2.2',
  },
  {
    network: 'a /64 of IPv6',
    bound: 'network',
    limit: 50,
    from: (time: number) => `2001:db8:1:1::${time}`,
    inside: '2001:db8:1:1:2:3:4:5',
    outside: '2001:db8:1:2::1',
  },
  {
    network: 'a /48 of IPv6',
    bound: 'network-48',
    limit: 500,
    from: (time: number) => `2001:db8:2:${time % 20}::1`,
    inside: '2001:db8:2:ffff::1',
    outside: '2001:db8:3:1::1',
  },
];

for (const { network, bound, limit, from, inside, outside } of BY_NETWORK) {
  onEachEngine(`Wrong passwords and codes from ${network} are bounded over all names`, async (t, engine) => {
    const { app, counted, advance, signIn } = await startGuessing(t, engine);
    await makeUser(app, 'ann');
    await fail(app, 10, from, 'password');
    for (let time = 0; time < 3; time++)
      t.equal(await signIn(inside, 'ann'), 200, 'a success is not counted');
    await fail(app, limit - 11, from, 'code');
    t.equal(await signIn(inside, 'ann', 'wrong'), 401, 'the last one that is let pass');

    advance(MINUTE);
    counted.checks = 0;
    const credentials = { username: 'ann', password: PASSWORD };
    const codes = { code: 'x', password: PASSWORD };
    for (const [path, body] of [
      ['/api/sign/in', credentials],
      ['/api/sign/reset', codes],
    ] as const) {
      const refused = await sendFrom(app, inside, path, body);
      t.equal(refused.statusCode, 429, path);
      t.match(refused.headers, {
        'retry-after': `${WINDOW - MINUTE}`,
        'ratelimit-policy': `"${bound}";q=${limit};w=${WINDOW}`,
        ratelimit: `"${bound}";r=0;t=${WINDOW - MINUTE}`,
      });
    }
    const writes = t.capture(app.db, 'atomically', app.db.atomically);
    t.equal(await signIn(inside, 'another', 'wrong'), 429);
    t.equal(writes().length, 0, 'when the network is full, nothing more is written for it');
    t.equal(counted.checks, 0, 'no password is looked at');
    t.equal(await signIn(outside, 'ann'), 200, 'another network is let in');
    const throttled = await app.db.audit.page({ event: 'throttled' }, '', 'g', 10);
    t.match(throttled, [{ targetId: null, after: { bound } }], 'it is noted once');

    advance(WINDOW - MINUTE);
    t.equal(await signIn(inside, 'ann'), 200, 'until the window ends');
  });
}

onEachEngine('Confirming and changing a password are bounded as signing in is', async (t, engine) => {
  const { app, advance, signIn } = await startGuessing(t, engine);
  const id = await makeUser(app, 'ann');
  const client = new Client(app);
  const from = (address: string) => ({ 'x-forwarded-for': address });
  await client.request('POST', '/api/sign/in', { username: 'ann', password: PASSWORD }, from('192.0.2.1'));
  const confirm = (address: string, password = PASSWORD) =>
    client.request('POST', '/api/sign/confirm', { password }, from(address));
  const change = (address: string, current: string) =>
    client.request(
      'PUT',
      `/api/users/${id}/password`,
      { current, password: 'another password' },
      from(address),
    );

  await fail(app, 45, () => '192.0.2.1', 'code');
  for (let time = 0; time < 3; time++) t.equal((await confirm('192.0.2.1', 'wrong')).statusCode, 403);
  for (let time = 0; time < 2; time++) t.equal((await change('192.0.2.1', 'wrong')).statusCode, 403);
  for (const answer of [await confirm('192.0.2.1'), await change('192.0.2.1', PASSWORD)]) {
    t.equal(answer.statusCode, 429, 'they count for the network');
    t.match(answer.headers, { 'ratelimit-policy': /^"network"/ });
  }
  t.equal((await client.request('GET', '/api/sign', undefined, from('192.0.2.1'))).statusCode, 200);
  t.equal((await confirm('192.0.2.2')).statusCode, 204, 'another network is let in');

  await guess(app, 'ann', NAME_LIMIT);
  t.equal((await confirm('192.0.2.3')).statusCode, 204, 'guesses at the name lock nobody out who is in');
  for (let time = 5; time < NAME_LIMIT; time++)
    t.equal((await confirm(`198.51.100.${time}`, 'wrong')).statusCode, 403);
  const refused = await confirm('192.0.2.4');
  t.equal(refused.statusCode, 429, 'they count for the session, over all networks');
  t.match(refused.headers, { 'ratelimit-policy': `"session";q=20;w=${DAY}`, 'retry-after': '60' });
  advance(WINDOW);
  t.equal(await signIn('192.0.2.1', 'ann', 'wrong'), 401, 'the network of the sign-in goes on');
});

onEachEngine('A name that is guessed from many networks waits longer each time', async (t, engine) => {
  const { app, counted, advance, signIn } = await startGuessing(t, engine);
  await makeUser(app, 'ann');
  t.equal(await signIn('198.51.100.1', 'ann'), 200);
  t.equal(await signIn('2001:db8:7:7::1', 'ann@example.org'), 200);

  const names = ['ann', 'ann@example.org', 'unknown'];
  for (const name of names)
    t.strictSame(await guess(app, name, NAME_LIMIT), Array(NAME_LIMIT).fill(401), name);
  const waits = [1, 2, 4, 8, 16, 32, 60, 60].map((minutes) => minutes * MINUTE);
  for (const [index, wait] of waits.entries()) {
    const answers = [];
    counted.checks = 0;
    for (const username of names) {
      const body = { username, password: PASSWORD };
      const refused = await sendFrom(app, '203.0.113.1', '/api/sign/in', body);
      const { requestId, ...told } = refused.json();
      t.ok(requestId);
      answers.push({ told, status: refused.statusCode, wait: refused.headers['retry-after'] });
      t.match(refused.headers, {
        ratelimit: `"name";r=0;t=${wait}`,
        'ratelimit-policy': `"name";q=20;w=${DAY}`,
      });
    }
    t.equal(answers[0]?.status, 429);
    t.equal(answers[0]?.wait, String(wait));
    for (const answer of answers)
      t.strictSame(answer, answers[0], 'it tells not whether there is such a user');
    t.equal(counted.checks, 0, 'no password is looked at');
    if (index === 0) {
      t.equal(await signIn('198.51.100.1', 'ann'), 200, 'a network from which the user has signed in');
      t.equal(await signIn('198.51.100.1', 'ann@example.org'), 200, 'by the address, too');
      t.equal(await signIn('2001:db8:7:7:1:2:3:4', 'ann'), 200, 'and its /64');
      t.equal(await signIn('2001:db8:7:8::1', 'ann'), 429);
    }
    advance(wait - 0.001);
    t.equal(await signIn('203.0.113.1', 'ann'), 429);
    advance(0.001);
    // The next failure.
    for (const name of names) t.strictSame(await guess(app, name, 1), [401]);
  }
  advance(HOUR);
  t.equal(
    await signIn('203.0.113.2', 'ann'),
    200,
    'the right password is let in when nobody has failed meanwhile',
  );
  t.strictSame(await guess(app, 'ann', 1), [401]);
  t.equal(await signIn('203.0.113.3', 'ann'), 429, 'and it does not clear the count by name');
});

onEachEngine('A name is forgotten a day after the last wrong password', async (t, engine) => {
  const { app, advance, signIn } = await startGuessing(t, engine);
  for (const { pause, blocked } of [
    { pause: DAY - 1, blocked: true },
    { pause: DAY, blocked: false },
  ]) {
    const name = `user-${pause}`;
    await makeUser(app, name);
    await guess(app, name, NAME_LIMIT - 2);
    advance(HOUR);
    await guess(app, name, 1);
    advance(pause);
    await guess(app, name, 1);
    t.equal(await signIn('203.0.113.1', name), blocked ? 429 : 200);
  }
});

onEachEngine('Two services on one database share the counts', async (t, engine) => {
  const [one, other] = await startTwo(t, engine, { TRUST_PROXY: true });
  await makeUser(one, 'ann');
  await fail(one, 25, () => '192.0.2.1', 'code');
  await fail(other, 25, () => '192.0.2.1', 'code');
  for (const app of [one, other]) t.equal(await signInFrom(app)('192.0.2.1', 'ann'), 429, 'by network');
  t.equal(await signInFrom(one)('198.51.100.1', 'ann'), 200);
  await guess(one, 'ann', NAME_LIMIT / 2);
  await guess(other, 'ann', NAME_LIMIT / 2);
  for (const app of [one, other]) {
    t.equal(await signInFrom(app)('203.0.113.1', 'ann'), 429, 'by name');
    t.equal(await signInFrom(app)('198.51.100.1', 'ann'), 200, 'the known network');
  }
});

onEachEngine('Two failures that are counted at once block a name as two in a row do', async (t, engine) => {
  const { app, signIn } = await startGuessing(t, engine);
  await makeUser(app, 'ann');
  await guess(app, 'ann', NAME_LIMIT - 2);
  const { promise: bothHaveRead, resolve: go } = Promise.withResolvers<void>();
  let readers = 0;
  const { find } = app.db.attempts;
  t.intercept(app.db.attempts, 'find', {
    value: async (...[keys, now]: Parameters<typeof find>) => {
      const rows = await find(keys, now);
      if (keys.length === 1 && rows[0]?.failures === NAME_LIMIT - 2) {
        if (++readers === 2) go();
        await bothHaveRead;
      }
      return rows;
    },
  });
  t.strictSame(await Promise.all([guess(app, 'ann', 1), guess(app, 'ann', 1)]), [[401], [401]]);
  t.equal(readers, 2);
  t.equal(await signIn('203.0.113.1', 'ann'), 429);
});

onEachEngine('Many guesses at once exceed a bound by no more than are at work at once', async (t, engine) => {
  const { app } = await startGuessing(t, engine);
  await makeUser(app, 'ann');
  const [before, atOnce, atWork] = [15, 15, 4];
  await guess(app, 'ann', before);
  const statuses = await Promise.all(
    Array.from({ length: atOnce }, async () => (await guess(app, 'ann', 1))[0]),
  );
  const tried = before + statuses.filter((status) => status === 401).length;
  t.ok(tried >= NAME_LIMIT && tried < NAME_LIMIT + atWork, `${tried} were tried`);
  t.equal(statuses.filter((status) => status === 429).length, before + atOnce - tried);
});
