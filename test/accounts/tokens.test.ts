/** A token that expires ends as well when the clock of a host is set back, or another host's clock is ahead. See clock.test.ts. */
import { tokensIn } from '../../accounts/tokens.ts';
import { setTheClockBack, stopTheClock } from '../support/clock.ts';
import { onEachEngine } from '../support/engines.ts';
import { addToken, newToken } from '../support/optional.ts';
import {
  Client,
  makeToken,
  makeUser,
  quickHashing,
  signedIn,
  startService,
  whoamiStatus,
} from '../support/service.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;

onEachEngine(
  'A token with an expiry ends when it was made more than a minute in the future',
  async (t, engine) => {
    const { app } = await startService(t, engine, { hashing: quickHashing });
    stopTheClock(t);
    const id = await makeUser(app, 'ann');
    const client = await signedIn(app, 'ann');
    const brief = await makeToken(client, { expiresIn: 60 });
    const { secret, ...row } = newToken(id, []);
    await app.db.atomically(addToken(app.db, row, Date.now()));
    const lasting = { ...row, headers: { authorization: `Bearer ${secret}` } };
    const statuses = () =>
      Promise.all([brief, lasting].map(({ headers }) => whoamiStatus(new Client(app), headers)));
    const areAlive = () =>
      Promise.all(
        [brief, lasting].map(async ({ id }) => {
          const failed = await app.db.atomically([tokensIn(app.db).isAlive(id, Date.now())]);
          return failed === undefined;
        }),
      );
    setTheClockBack(MINUTE);
    t.strictSame(await statuses(), [200, 200]);
    t.strictSame(await areAlive(), [true, true]);
    setTheClockBack(HOUR / 2);
    t.strictSame(await statuses(), [401, 200]);
    t.strictSame(await areAlive(), [false, true], 'as conditions of a change');
  },
);
