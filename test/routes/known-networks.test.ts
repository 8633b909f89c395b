/** Networks where a user signed in, signed up or used a code stay open to them, however much others guess at the name. */
import { onEachEngine } from '../support/engines.ts';
import { guess, sendFrom, startGuessing } from '../support/guessing.ts';
import { makeUser, PASSWORD, signedIn } from '../support/service.ts';

const DAY = 24 * 60 * 60;
const NAME_LIMIT = 20;

onEachEngine('A network is known for 90 days after the last sign-in', async (t, engine) => {
  const { app, advance, signIn } = await startGuessing(t, engine);
  await makeUser(app, 'ann');
  t.equal(await signIn('198.51.100.1', 'ann'), 200);
  advance(60 * DAY);
  t.equal(await signIn('198.51.100.1', 'ann'), 200);
  advance(90 * DAY - 1);
  await guess(app, 'ann', NAME_LIMIT);
  t.equal(await signIn('198.51.100.1', 'ann', 'wrong'), 401);
  advance(1);
  t.equal(await signIn('198.51.100.1', 'ann'), 429);
});

onEachEngine(
  'A network where a code was used is known, so that a new user can sign in while others guess',
  async (t, engine) => {
    const { app, signIn } = await startGuessing(t, engine);
    await makeUser(app, 'ann', { admin: true });
    const made = await (await signedIn(app, 'ann')).request('POST', '/api/users', { username: 'new' });
    const { code } = made.json().reset;
    await guess(app, 'new', NAME_LIMIT);
    const used = await sendFrom(app, '198.51.100.1', '/api/sign/reset', { code, password: PASSWORD });
    t.equal(used.statusCode, 204, used.payload);
    t.equal(await signIn('198.51.100.1', 'new'), 200);
    t.equal(await signIn('198.51.100.2', 'new'), 429);
  },
);

onEachEngine('A network where a user signed up is known', async (t, engine) => {
  const { app, signIn } = await startGuessing(t, engine, { SIGN_UP: 'open' });
  const user = { username: 'fresh', password: PASSWORD };
  t.equal((await sendFrom(app, '198.51.100.1', '/api/sign/up', user)).statusCode, 201);
  await guess(app, 'fresh', NAME_LIMIT);
  t.equal(await signIn('198.51.100.1', 'fresh'), 200);
  t.equal(await signIn('198.51.100.2', 'fresh'), 429);
});
