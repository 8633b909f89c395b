/**
 * A confirmation or a change of the password gives the session a new cookie, which lasts as long as the old one. The old one no longer
 * works.
 */
import { stopTheClock } from '../../support/clock.ts';
import { onEachEngine } from '../../support/engines.ts';
import { meet, ROUNDS, startTwo } from '../../support/meeting.ts';
import { refuseWrites } from '../../support/refused-writes.ts';
import {
  Client,
  makeUser,
  makeUserInTwoTabs,
  PASSWORD,
  quickHashing,
  signedIn,
  startService,
  whoamiStatus,
} from '../../support/service.ts';

const WAYS = [
  {
    after: 'a change of the password',
    renew: (client: Client, id: string) =>
      client.request('PUT', `/api/users/${id}/password`, { current: PASSWORD, password: PASSWORD }),
  },
  {
    after: 'a confirmation',
    renew: (client: Client, _id: string) =>
      client.request('POST', '/api/sign/confirm', { password: PASSWORD }),
  },
];

for (const { after, renew } of WAYS) {
  onEachEngine(`The cookie after ${after}`, async (t, engine) => {
    const { app, settings } = await startService(t, engine, { hashing: quickHashing });
    const id = await makeUser(app, 'ann');

    for (const remember of [true, false]) {
      await t.test(`lasts as long as the one of a sign-in with remember ${remember}`, async (t) => {
        const advance = stopTheClock(t);
        const client = new Client(app);
        const [old] = (await client.signIn('ann', PASSWORD, { remember })).cookies;
        advance(60);
        const changed = await renew(client, id);
        t.equal(changed.statusCode, 204, changed.payload);
        t.equal(changed.cookies.length, 1);
        const [renewed] = changed.cookies;
        t.not(renewed?.value, old?.value);
        t.equal(old?.expires instanceof Date, remember);
        t.strictSame({ ...renewed, value: '' }, { ...old, value: '' });
      });
    }

    await t.test(
      'takes the place of the old one, which no longer works, in the same session (7.2.4)',
      async (t) => {
        const { id, tab, otherTab } = await makeUserInTwoTabs(app, 'bob');
        const { session } = (await tab.request('GET', '/api/sign')).json();
        t.equal((await renew(tab, id)).statusCode, 204);
        t.equal(await whoamiStatus(otherTab), 401);
        t.match((await tab.request('GET', '/api/sign')).json(), { session: { id: session.id }, fresh: true });
        t.equal(
          (await tab.request('GET', '/api/sessions')).json().items.length,
          1,
          'there is no second session',
        );
      },
    );

    await t.test('is the old one when the database refuses the change, which is no conflict', async (t) => {
      const client = await signedIn(app, 'ann');
      const allow = await refuseWrites(engine, settings.DATABASE_URL, 'UPDATE ON users');
      const refused = await renew(client, id);
      t.equal(refused.statusCode, 500, refused.payload);
      t.equal(refused.headers['set-cookie'], undefined);
      t.equal(await whoamiStatus(client), 200);
      await allow();
    });
  });
}

onEachEngine('Two confirmations of one session at once', async (t, engine) => {
  const [one, other] = await startTwo(t, engine);
  for (const round of ROUNDS) {
    await t.test(`give it one new cookie, and the loser gets none (${round})`, async (t) => {
      const { tab } = await makeUserInTwoTabs(one, `twice-${round}`);
      const elsewhere = new Client(other);
      elsewhere.cookie = tab.cookie;
      meet(t, [one, other], round);
      const confirm = (client: Client) => client.request('POST', '/api/sign/confirm', { password: PASSWORD });
      const responses = await Promise.all([tab, elsewhere].map(confirm));
      t.strictSame(responses.map(({ statusCode }) => statusCode).sort(), [204, 401]);
      const clients = responses.map(({ statusCode }, index) => ({
        statusCode,
        client: [tab, elsewhere][index],
      }));
      for (const { statusCode, client } of clients)
        t.equal(await whoamiStatus(client ?? tab), statusCode === 204 ? 200 : 401);
    });
  }
});
