/** Signing up is bounded by network, and so are bad bearer tokens: good ones and sessions from the same network go on. */
import type { Test } from 'tap';
import type { App } from '../../app.ts';
import { stopTheClock } from '../support/clock.ts';
import { onEachEngine } from '../support/engines.ts';
import { sendFrom, signInFrom } from '../support/guessing.ts';
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

const WINDOW = 15 * 60;

/** Each further try of the network is refused, until the window ends. */
async function expectFull(t: Test, bound: string, limit: number, send: () => ReturnType<Client['request']>) {
  const refused = await send();
  t.equal(refused.statusCode, 429, bound);
  t.match(refused.json(), { type: 'urn:rollcall:problem:too-many-attempts' });
  t.match(refused.headers, {
    'retry-after': /^\d+$/,
    'ratelimit-policy': `"${bound}";q=${limit};w=${WINDOW}`,
    ratelimit: new RegExp(`^"${bound}";r=0;t=\\d+$`),
  });
}

onEachEngine('Signing up is bounded by network, whether it succeeds or not', async (t, engine) => {
  const settings = { TRUST_PROXY: true, SIGN_UP: 'open' as const };
  const { app } = await startService(t, engine, { hashing: quickHashing, settings });
  const advance = stopTheClock(t);
  let names = 0;
  const signUp = (address: string, username = `sheep-${names++}`) =>
    sendFrom(app, address, '/api/sign/up', { username, password: PASSWORD });

  for (let time = 0; time < 10; time++) {
    const taken = time > 5;
    const { statusCode } = await signUp('192.0.2.6', taken ? 'sheep-0' : undefined);
    t.equal(statusCode, taken ? 409 : 201);
  }
  await expectFull(t, 'sign-up', 10, () => signUp('192.0.2.6'));
  t.equal((await signUp('192.0.2.7')).statusCode, 201, 'another network is let in');

  for (let time = 0; time < 100; time++) await signUp(`2001:db8:1:${time % 10}::${time}`, 'sheep-0');
  await expectFull(t, 'sign-up', 10, () => signUp('2001:db8:1:1::1'));
  await expectFull(t, 'sign-up-48', 100, () => signUp('2001:db8:1:ffff::1'));
  t.equal((await signUp('2001:db8:2::1')).statusCode, 201);
  t.equal(await signInFrom(app)('192.0.2.6', 'sheep-0'), 200, 'signing in is counted apart');
  advance(WINDOW);
  t.equal((await signUp('192.0.2.6')).statusCode, 201, 'until the window ends');
});

/** Each is bad in another way. */
async function badTokens(app: App): Promise<string[]> {
  const client = await signedIn(app, 'ann');
  const ended = await makeToken(client);
  await client.request('DELETE', `/api/tokens/${ended.id}`);
  const good = (await makeToken(client)).secret;
  const mistyped = `${good.slice(0, -1)}${good.endsWith('0') ? '1' : '0'}`;
  return [ended.secret, mistyped, 'rc_x'];
}

if (hasTokens)
  onEachEngine('Bad tokens from one network are answered 429 after a hundred', async (t, engine) => {
    const settings = { TRUST_PROXY: true };
    const { app } = await startService(t, engine, { hashing: quickHashing, settings });
    const advance = stopTheClock(t);
    await makeUser(app, 'ann');
    const good = (await makeToken(await signedIn(app, 'ann'))).secret;
    const bad = await badTokens(app);
    const send = (address: string, token: string, client = new Client(app)) =>
      client.request('GET', '/api/users', undefined, {
        authorization: `Bearer ${token}`,
        'x-forwarded-for': address,
      });

    for (let time = 0; time < 100; time++)
      t.equal((await send('192.0.2.1', bad[time % bad.length] ?? '')).statusCode, 401);
    for (const token of bad) await expectFull(t, 'token', 100, () => send('192.0.2.1', token));
    const writes = t.capture(app.db, 'atomically', app.db.atomically);
    await send('192.0.2.1', bad[0] ?? '');
    t.equal(writes().length, 0, 'nothing more is written');

    t.equal((await send('192.0.2.1', good)).statusCode, 200, 'a good token');
    t.equal((await send('192.0.2.1', bad[0] ?? '', await signedIn(app, 'ann'))).statusCode, 200, 'a session');
    t.equal(await signInFrom(app)('192.0.2.1', 'ann'), 200, 'passwords are counted apart');
    t.equal((await send('192.0.2.2', bad[0] ?? '')).statusCode, 401, 'another network');
    t.match(await app.db.audit.page({ event: 'throttled' }, '', 'g', 9), [{ after: { bound: 'token' } }]);
    advance(WINDOW);
    t.equal((await send('192.0.2.1', bad[0] ?? '')).statusCode, 401, 'until the window ends');
  });
