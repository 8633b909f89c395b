/** An attempt at a password that can't be counted is not made: otherwise whoever keeps the count from growing could go on guessing. */
import { onEachEngine } from '../support/engines.ts';
import { refuseWrites } from '../support/refused-writes.ts';
import { Client, makeUser, quickHashing, startService } from '../support/service.ts';

onEachEngine('A sign-in whose attempt can not be counted is refused', async (t, engine) => {
  let looks = 0;
  const hashing: typeof quickHashing = {
    ...quickHashing,
    verify: (hashed, password) => {
      looks++;
      return quickHashing.verify(hashed, password);
    },
  };
  const { app, settings } = await startService(t, engine, { hashing });
  await makeUser(app, 'ann');
  const allow = await refuseWrites(engine, settings.DATABASE_URL, 'INSERT ON attempts');
  const answer = await new Client(app).signIn('ann');
  t.equal(answer.statusCode, 500, answer.payload);
  t.equal(answer.headers['set-cookie'], undefined);
  t.equal(looks, 0, 'the password was not looked at');
  await allow();
  t.equal((await new Client(app).signIn('ann')).statusCode, 200);
});
