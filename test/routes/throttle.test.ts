/** Attempts by name and network are bounded, for known and unknown usernames alike. guessing.test.ts has the other bounds. */
import { stopTheClock } from '../support/clock.ts';
import { onEachEngine } from '../support/engines.ts';
import { Client, makeUser, PASSWORD, quickHashing, startService } from '../support/service.ts';

const WINDOW = 15 * 60;
const LIMIT = 5;

onEachEngine('Sign-in is throttled after five wrong passwords', async (t, engine) => {
  let checks = 0;
  const hashing = {
    hash: quickHashing.hash,
    verify: (hashed: string | null | undefined, password: string) => {
      checks++;
      return quickHashing.verify(hashed, password);
    },
  };
  const { app } = await startService(t, engine, { hashing, settings: { TRUST_PROXY: true } });
  const signIn = (username: string, password: string, address: string) =>
    new Client(app).request('POST', '/api/sign/in', { username, password }, { 'x-forwarded-for': address });
  const guess = async (username: string, address: string, times: number) => {
    const statuses = [];
    for (let time = 0; time < times; time++)
      statuses.push((await signIn(username, 'wrong', address)).statusCode);
    return statuses;
  };
  const PASSED = Array(LIMIT).fill(401);

  t.test('A throttled sign-in answers 429 for the right password and for an unknown name', async (t) => {
    await makeUser(app, 'ann');
    const advance = stopTheClock(t);
    const names = ['ann', 'unknown', 'unknown@example.org'];
    for (const name of names) t.strictSame(await guess(name, '192.0.2.1', LIMIT), PASSED);
    advance(60);
    const answers = [];
    for (const username of names) {
      checks = 0;
      const response = await signIn(username, PASSWORD, '192.0.2.1');
      t.equal(response.statusCode, 429);
      t.equal(checks, 0, 'no password is verified');
      t.match(response.headers, {
        'retry-after': `${WINDOW - 60}`,
        'ratelimit-policy': `"name-and-network";q=${LIMIT};w=${WINDOW}`,
        ratelimit: `"name-and-network";r=0;t=${WINDOW - 60}`,
        'content-type': /^application\/problem\+json/,
        'set-cookie': undefined,
      });
      const { requestId, ...body } = response.json();
      t.ok(requestId);
      t.match(body, { status: 429, type: 'urn:rollcall:problem:too-many-attempts' });
      answers.push(body);
    }
    t.strictSame(answers[1], answers[0]);
    t.strictSame(answers[2], answers[0]);
    advance(WINDOW - 60 - 0.001);
    t.equal((await signIn('ann', PASSWORD, '192.0.2.1')).statusCode, 429, 'the window has not expired');
    advance(0.001);
    t.equal((await signIn('ann', PASSWORD, '192.0.2.1')).statusCode, 200);
  });

  t.test('Throttling applies to one name from one address only', async (t) => {
    await makeUser(app, 'bob');
    await makeUser(app, 'cem');
    t.strictSame(await guess('bob', '192.0.2.2', LIMIT + 1), [...PASSED, 429]);
    t.equal((await signIn('bob', PASSWORD, '192.0.2.3')).statusCode, 200);
    t.equal((await signIn('cem', PASSWORD, '192.0.2.2')).statusCode, 200);
    t.equal((await signIn('bob', PASSWORD, '192.0.2.2')).statusCode, 429);
  });

  t.test('A username and the e-mail address of its user are counted apart', async (t) => {
    await makeUser(app, 'gus');
    t.strictSame(await guess('gus', '192.0.2.7', LIMIT + 1), [...PASSED, 429]);
    t.equal((await signIn('gus@example.org', PASSWORD, '192.0.2.7')).statusCode, 200);
    t.equal((await signIn('gus', PASSWORD, '192.0.2.7')).statusCode, 429, 'the other count stays');
  });

  t.test('Throttling compares usernames with case folded and full-width letters normalized', async (t) => {
    await makeUser(app, 'dora');
    const names = ['dora', 'DORA', 'Ｄｏｒａ', 'Dora'];
    for (let time = 0; time < LIMIT; time++) await signIn(names[time % 4] ?? '', 'wrong', '192.0.2.4');
    for (const name of names) t.equal((await signIn(name, PASSWORD, '192.0.2.4')).statusCode, 429);
  });

  t.test('An IPv4 address that comes as one of IPv6 is the same address', async (t) => {
    await makeUser(app, 'mapped');
    for (let time = 0; time < LIMIT; time++)
      await signIn('mapped', 'wrong', time % 2 === 0 ? '192.0.2.9' : '::ffff:192.0.2.9');
    t.equal((await signIn('mapped', PASSWORD, '192.0.2.9')).statusCode, 429);
    t.equal((await signIn('mapped', PASSWORD, '::FFFF:192.0.2.8')).statusCode, 200);
    const entries = await app.db.audit.page({ event: 'signed-in' }, '', 'g', 100);
    const [address] = entries.flatMap((each) => (each.targetName === 'mapped' ? each.address : []));
    t.equal(address, '192.0.2.8', 'the audit trail has it in one form');
  });

  t.test('Throttling counts IPv6 addresses of one /64 network as one', async (t) => {
    await makeUser(app, 'eve');
    for (let time = 0; time < LIMIT; time++) await signIn('eve', 'wrong', `2001:db8:0:1::${time}`);
    for (const address of ['2001:db8:0:1:a:b:c:d', '2001:db8:0:1::', '2001:0DB8:0000:0001::1']) {
      t.equal((await signIn('eve', PASSWORD, address)).statusCode, 429, address);
    }
    t.equal(
      (await signIn('eve', PASSWORD, '2001:db8:0:2::1')).statusCode,
      200,
      'another network is not throttled',
    );
  });

  t.test('A successful sign-in resets the count of wrong passwords', async (t) => {
    await makeUser(app, 'fay');
    for (let time = 0; time < 3; time++) {
      t.strictSame(await guess('fay', '192.0.2.5', LIMIT - 1), Array(LIMIT - 1).fill(401));
      t.equal((await signIn('fay', PASSWORD, '192.0.2.5')).statusCode, 200);
    }
  });
});
