/** A change of the password gives the session a new cookie, which lasts as long as the old one. */
import { stopTheClock } from '../../support/clock.ts';
import { onEachEngine } from '../../support/engines.ts';
import { Client, makeUser, PASSWORD, quickHashing, startService } from '../../support/service.ts';

onEachEngine('The cookie after a change of the password', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  const id = await makeUser(app, 'ann');
  const change = { current: PASSWORD, password: PASSWORD };

  for (const remember of [true, false]) {
    await t.test(`lasts as long as the one of a sign-in with remember ${remember}`, async (t) => {
      const advance = stopTheClock(t);
      const client = new Client(app);
      const [old] = (await client.signIn('ann', PASSWORD, { remember })).cookies;
      advance(60);
      const changed = await client.request('PUT', `/api/users/${id}/password`, change);
      t.equal(changed.statusCode, 204, changed.payload);
      const [renewed] = changed.cookies;
      t.not(renewed?.value, old?.value);
      t.equal(old?.expires instanceof Date, remember);
      t.strictSame({ ...renewed, value: '' }, { ...old, value: '' });
    });
  }
});
