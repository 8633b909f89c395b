/** More sign-ins at once than there is room for: the rest is turned away quickly, and the signed-in notice nothing. */
import { availableParallelism } from 'node:os';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { makeHashing } from '../../accounts/passwords/hashing.ts';
import { onEachEngine } from '../support/engines.ts';
import { makeLog } from '../support/log.ts';
import { Client, makeUser, quickHashing, signedIn, startService } from '../support/service.ts';

/** As many hashes at once as there are processors, but no more than three. */
const WIDTH = Math.min(3, availableParallelism());
/** For each of them so many requests have room, and so many of these are at work. */
const ROOM = WIDTH * 17;
const AT_WORK = WIDTH * 3;
const TOO_MANY = 7;

/** Real hashing that, once told so, waits for the door to be opened. */
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

onEachEngine('a place in the line', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  let answered = false;
  setImmediate(() => {
    answered = true;
  });
  using _slot = await app.passwords.acquireSlot();
  t.ok(answered, 'is taken after what else waited for the event loop');
});

onEachEngine('a flood of sign-ins', async (t, engine) => {
  const { gate, ...hashing } = await gatedPasswords();
  const { log, lines } = makeLog();
  const { app } = await startService(t, engine, { hashing, log, settings: { WORKERS: 1 } });
  await makeUser(app, 'ann');
  const ann = await signedIn(app, 'ann');
  gate.closed = true;
  gate.checks = 0;

  const counted = t.capture(app.db.attempts, 'find', app.db.attempts.find);
  const answers: number[] = [];
  const { promise: enough, resolve: haveEnough } = Promise.withResolvers<void>();
  const asking = Array.from({ length: ROOM + TOO_MANY }, async (_, number) => {
    const response = await new Client(app).signIn(`nobody-${number}`, 'wrong');
    if (answers.push(response.statusCode) === TOO_MANY) haveEnough();
    return response;
  });

  await t.test('is turned away where there is no room', async (t) => {
    const refused = await Promise.race(asking);
    t.match(refused.json(), { status: 503, type: 'urn:rollcall:problem:busy' });
    t.equal(refused.headers['retry-after'], '1');
    await enough;
    t.strictSame(answers, Array(TOO_MANY).fill(503), 'and nobody else has an answer yet');
  });

  await t.test('writes nothing any more where there is no room, nor looks at what was sent', async (t) => {
    const writes = t.capture(app.db, 'atomically', app.db.atomically);
    t.equal((await new Client(app).signIn('nobody-more', 'wrong')).statusCode, 503);
    const senseless = { method: 'POST', url: '/api/sign/in', payload: { not: 'this' } } as const;
    t.equal((await app.inject(senseless)).statusCode, 503);
    t.equal(writes().length, 0);

    const finds = t.capture(app.db.sessions, 'find', app.db.sessions.find);
    t.equal((await ann.request('POST', '/api/sign/in', { not: 'this' })).statusCode, 503);
    t.equal(finds().length, 0, 'nor for the session of whoever asks');
  });

  await t.test('asks the database for nothing before its turn comes', async (t) => {
    await nextTurn();
    t.equal(counted().length, AT_WORK);
  });

  await t.test('does not keep the signed-in waiting', async (t) => {
    t.equal((await ann.request('GET', '/api/users')).statusCode, 200);
    t.equal(gate.checks, 0, 'while no password has been looked at yet');
  });

  await t.test('is worked off by those that found room', async (t) => {
    gate.open();
    await Promise.all(asking);
    const busy = answers.filter((status) => status === 503).length;
    t.strictSame([answers.filter((status) => status === 401).length, busy], [ROOM, TOO_MANY]);
    t.equal(gate.checks, ROOM, 'and no other password was looked at');
    gate.closed = false;
    t.equal((await new Client(app).signIn('ann')).statusCode, 200, 'and there is room again');
  });

  await t.test('is told once, not one by one', async (t) => {
    const told = () => lines.map((line) => JSON.parse(line)).filter(({ refused }) => refused);
    while (told().length === 0) await delay(50);
    t.match(told(), [{ level: 40, refused: TOO_MANY + 3 }]);
    t.notOk(
      lines.some((line) => JSON.parse(line).level > 40),
      'and no entry is an error',
    );
  });

  await t.test('leaves all its room, however it ends', async (t) => {
    gate.broken = true;
    const signIns = (count: number) =>
      Promise.all(Array.from({ length: count }, (_, number) => new Client(app).signIn(`broken-${number}`)));
    t.ok((await signIns(ROOM)).every(({ statusCode }) => statusCode === 500));
    gate.broken = false;

    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const leaving = new AbortController();
    const body = JSON.stringify({ username: 'gone', password: 'wrong' });
    const headers = { 'content-type': 'application/json' };
    const gone = Array.from({ length: ROOM }, () =>
      fetch(`${url}/api/sign/in`, { method: 'POST', body, headers, signal: leaving.signal }).catch(
        () => 'gone',
      ),
    );
    await delay(10);
    leaving.abort();
    await Promise.all(gone);

    const statuses = async () => (await signIns(ROOM)).map(({ statusCode }) => statusCode);
    // Those who left are worked off first.
    for (let patience = 100; patience > 0 && (await statuses()).includes(503); patience--) await delay(50);
    t.notOk((await statuses()).includes(503));
  });
});
