/** More sign-ins at once than there is room for: the rest is turned away quickly, and the signed-in notice nothing. */
import { availableParallelism } from 'node:os';
import { argon2Passwords } from '../../plugins/passwords.ts';
import { onEachEngine } from '../support/engines.ts';
import { Client, makeUser, signedIn, startService } from '../support/service.ts';

/** As many as there are processors, but not all of libuv's four threads; and sixteen that wait for each. */
const ROOM = Math.min(3, availableParallelism()) * 17;
const TOO_MANY = 7;

/** Real hashing that, once told so, waits for the door to be opened. */
async function gatedPasswords() {
  const real = await argon2Passwords();
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const gate = { closed: false, open, checks: 0 };
  return {
    gate,
    hash: real.hash,
    async verify(hashed: string | null | undefined, password: string) {
      if (gate.closed) await opened;
      gate.checks++;
      return gate.closed ? false : real.verify(hashed, password);
    },
  };
}

onEachEngine('a flood of sign-ins', async (t, engine) => {
  const { gate, ...passwords } = await gatedPasswords();
  const { app } = await startService(t, engine, { passwords, settings: { WORKERS: 1 } });
  await makeUser(app, 'ann');
  const ann = await signedIn(app, 'ann');
  gate.closed = true;
  gate.checks = 0;

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

  await t.test('writes nothing any more where there is no room', async (t) => {
    const writes = t.capture(app.db, 'atomically', app.db.atomically);
    t.equal((await new Client(app).signIn('nobody-more', 'wrong')).statusCode, 503);
    t.equal(writes().length, 0);
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
});
