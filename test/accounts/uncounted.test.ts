/** An attempt at a password that can't be counted is not made: otherwise whoever keeps the count from growing could go on guessing. */
import { query } from '../support/database-content.ts';
import { onEachEngine } from '../support/engines.ts';
import { Client, makeUser, quickHashing, startService } from '../support/service.ts';

/** A trigger that refuses to count an attempt, in the words of each engine. */
const REFUSAL = {
  SQLite: "BEGIN SELECT RAISE(ABORT, 'not now'); END",
  MySQL: "FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not now'",
};

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
  const trigger = `CREATE TRIGGER refuse BEFORE INSERT ON attempts ${REFUSAL[engine.name]}`;
  await query(settings.DATABASE_URL, trigger);
  const answer = await new Client(app).signIn('ann');
  t.equal(answer.statusCode, 500, answer.payload);
  t.equal(answer.headers['set-cookie'], undefined);
  t.equal(looks, 0, 'the password was not looked at');
  await query(settings.DATABASE_URL, 'DROP TRIGGER refuse');
  t.equal((await new Client(app).signIn('ann')).statusCode, 200);
});
