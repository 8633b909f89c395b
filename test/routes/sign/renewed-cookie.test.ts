/** A change of the password gives the session a new cookie, which lasts as long as the old one. */
import { stopTheClock } from '../../support/clock.ts';
import { onEachEngine } from '../../support/engines.ts';
import { refuseWrites } from '../../support/refused-writes.ts';
import {
  Client,
  makeUser,
  PASSWORD,
  quickHashing,
  signedIn,
  startService,
  whoamiStatus,
} from '../../support/service.ts';

onEachEngine('The cookie after a change of the password', async (t, engine) => {
  const { app, settings } = await startService(t, engine, { hashing: quickHashing });
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

  await t.test('is the old one when the database refuses the change, which is no conflict', async (t) => {
    const client = await signedIn(app, 'ann');
    const allow = await refuseWrites(engine, settings.DATABASE_URL, 'UPDATE ON users');
    const refused = await client.request('PUT', `/api/users/${id}/password`, change);
    t.equal(refused.statusCode, 500, refused.payload);
    t.equal(refused.headers['set-cookie'], undefined);
    t.equal(await whoamiStatus(client), 200);
    await allow();
  });
});
