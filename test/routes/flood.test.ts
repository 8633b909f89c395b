/** Sign-ins beyond the queue's capacity answer 503 at once. Requests of signed-in users are not delayed. */
import { availableParallelism } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { makeHashing } from '../../accounts/passwords/hashing.ts';
import { onEachEngine } from '../support/engines.ts';
import { addressOf, sendFrom } from '../support/guessing.ts';
import { makeLog } from '../support/log.ts';
import { until } from '../support/running.ts';
import { Client, makeUser, PASSWORD, quickHashing, signedIn, startService } from '../support/service.ts';

/** The number of concurrent hashes: one per processor, at most three. */
const WIDTH = Math.min(3, availableParallelism());
/** The capacity, in proportion to it, and the number of active requests. */
const CAPACITY = WIDTH * 17;
const MAX_ACTIVE = Math.max(4, WIDTH + 1);
/** Ten times as many sign-ins as there is room for. */
const EXCESS = CAPACITY * 9;

/**
 * How many are turned away to see what they leave in memory, and how much of it for each, in bytes. No more, since the queue stays full for
 * two seconds only: then those who wait are turned away as well.
 */
const TURNED_AWAY = 1000;
const MAX_LEFT = 4000;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Real hashing that waits while the gate is closed. */
async function gatedPasswords() {
  const real = await makeHashing();
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const gate = { closed: false, broken: false, open, checks: 0 };
  return {
    gate,
    hash: real.hash,
    async verify(hashed: string | null | undefined, password: string) {
      if (gate.closed) await opened;
      if (gate.broken) throw new Error('broken');
      gate.checks++;
      return gate.closed ? false : real.verify(hashed, password);
    },
  };
}

onEachEngine('A slot in the queue is acquired after pending work of the event loop', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  let otherWorkRan = false;
  setImmediate(() => {
    otherWorkRan = true;
  });
  using _slot = await app.passwords.acquireSlot();
  t.ok(otherWorkRan, 'pending work of the event loop ran first');
});

onEachEngine('Making a user with a password takes a slot in the queue', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing, settings: { WORKERS: 1 } });
  await makeUser(app, 'chief', { admin: true });
  const chief = await signedIn(app, 'chief');
  const make = async (username: string, password?: string) =>
    (await chief.request('POST', '/api/users', { username, password })).json();

  const slots = Array.from({ length: CAPACITY }, () => app.passwords.acquireSlot());
  t.match(await make('ann', PASSWORD), { status: 503, type: 'urn:rollcall:problem:busy' });
  t.equal(await app.db.users.findCredentials('ann'), undefined, 'no user was made');
  t.match(await make('bob'), { username: 'bob', reset: {} }, 'a user without a password needs no slot');

  for (const slot of slots) (await slot)[Symbol.dispose]();
  t.match(await make('ann', PASSWORD), { username: 'ann' });
});

onEachEngine('A flood of sign-ins is bounded', async (t, engine) => {
  const { gate, ...hashing } = await gatedPasswords();
  const { log, lines } = makeLog();
  const { app } = await startService(t, engine, {
    hashing,
    log,
    settings: { WORKERS: 1, TRUST_PROXY: true },
  });
  await makeUser(app, 'ann');
  const ann = await signedIn(app, 'ann');
  gate.closed = true;
  gate.checks = 0;

  const attemptReads = t.capture(app.db.attempts, 'find', app.db.attempts.find);
  const answers: number[] = [];
  const { promise: enough, resolve: haveEnough } = Promise.withResolvers<void>();
  const requests = Array.from({ length: CAPACITY + EXCESS }, async (_, number) => {
    // From as many networks: there are bounds for each.
    const credentials = { username: `unknown-${number}`, password: 'wrong' };
    const response = await sendFrom(app, addressOf(number), '/api/sign/in', credentials);
    if (answers.push(response.statusCode) === EXCESS) haveEnough();
    return response;
  });

  await t.test('Sign-ins beyond the capacity answer 503 at once', async (t) => {
    const refused = await Promise.race(requests);
    t.match(refused.json(), { status: 503, type: 'urn:rollcall:problem:busy' });
    t.equal(refused.headers['retry-after'], '1');
    await enough;
    t.strictSame(answers, Array(EXCESS).fill(503), 'no other request is answered yet');
  });

  await t.test('A sign-in beyond the capacity answers 503 before any validation or write', async (t) => {
    const writes = t.capture(app.db, 'atomically', app.db.atomically);
    t.equal((await new Client(app).signIn('unknown-more', 'wrong')).statusCode, 503);
    const invalid = { method: 'POST', url: '/api/sign/in', payload: { not: 'this' } } as const;
    t.equal((await app.inject(invalid)).statusCode, 503);
    t.equal(writes().length, 0);

    const finds = t.capture(app.db.sessions, 'find', app.db.sessions.find);
    t.equal((await ann.request('POST', '/api/sign/in', { not: 'this' })).statusCode, 503);
    t.equal(finds().length, 0, 'the session is not read');
  });

  await t.test('A sign-in that is turned away leaves nothing in memory', async (t) => {
    const heap = () => {
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const before = heap();
    for (let sent = 0; sent < TURNED_AWAY; sent++) {
      const { statusCode } = await new Client(app).signIn(`unknown-${sent}`, 'wrong');
      if (statusCode !== 503) t.fail(`it is answered ${statusCode}`);
      // What `inject` has made goes in another turn of the event loop.
      await nextTurn();
    }
    const left = (heap() - before) / TURNED_AWAY;
    t.ok(left < MAX_LEFT, `${Math.round(left)} bytes are left of each`);
  });

  await t.test('A queued sign-in sends no query before it becomes active', async (t) => {
    await nextTurn();
    // The first of a sign-in asks for several counts at once.
    const first = attemptReads().filter(({ args: [keys] }) => keys.length > 1);
    t.equal(first.length, MAX_ACTIVE);
  });

  await t.test('A signed-in user is answered while sign-ins are queued', async (t) => {
    t.equal((await ann.request('GET', '/api/users')).statusCode, 200);
    t.equal(gate.checks, 0, 'no password is verified yet');
  });

  await t.test('All queued sign-ins are answered, and then new ones are accepted', async (t) => {
    gate.open();
    await Promise.all(requests);
    const busy = answers.filter((status) => status === 503).length;
    t.strictSame([answers.filter((status) => status === 401).length, busy], [CAPACITY, EXCESS]);
    t.equal(gate.checks, CAPACITY, 'no other password was verified');
    gate.closed = false;
    t.equal((await new Client(app).signIn('ann')).statusCode, 200, 'a new sign-in is accepted');
  });

  await t.test('Refused sign-ins are logged as a summary', async (t) => {
    const refusals = EXCESS + 3 + TURNED_AWAY;
    const summaries = () => lines.map((line) => JSON.parse(line)).filter(({ refused }) => refused);
    const counted = () => summaries().reduce((sum, { refused }) => sum + refused, 0);
    await until('every refusal is counted', () => counted() >= refusals || undefined);
    t.equal(counted(), refusals);
    // One line a second: on a slow machine refusing takes more than one second.
    t.ok(summaries().length < refusals, 'there are fewer lines than refused sign-ins');
    for (const { level } of summaries()) t.equal(level, 40);
    t.notOk(
      lines.some((line) => JSON.parse(line).level > 40),
      'nothing is logged as an error',
    );
  });

  await t.test('Failed and aborted sign-ins free their slots', async (t) => {
    gate.broken = true;
    const signIns = (count: number) =>
      Promise.all(Array.from({ length: count }, (_, number) => new Client(app).signIn(`broken-${number}`)));
    t.ok((await signIns(CAPACITY)).every(({ statusCode }) => statusCode === 500));
    gate.broken = false;

    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const leaving = new AbortController();
    const body = JSON.stringify({ username: 'gone', password: 'wrong' });
    const headers = { 'content-type': 'application/json' };
    let arrived = 0;
    app.server.on('request', () => arrived++);
    const gone = Array.from({ length: CAPACITY }, () =>
      fetch(`${url}/api/sign/in`, { method: 'POST', body, headers, signal: leaving.signal }).catch(
        () => 'gone',
      ),
    );
    await until('every sign-in has arrived', () => arrived === CAPACITY || undefined);
    leaving.abort();
    await Promise.all(gone);

    // The aborted requests are still processed first.
    await until('as many sign-ins as before are accepted', async () => {
      const statuses = (await signIns(CAPACITY)).map(({ statusCode }) => statusCode);
      return !statuses.includes(503) || undefined;
    });
    // The connections of fetch() would stay open for seconds, and the service waits for them.
    app.server.closeAllConnections();
  });
});
