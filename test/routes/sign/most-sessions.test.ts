/** A user has at most MAX_SESSIONS sessions at once: when one more begins, those end that were not seen for longest. */
import { stopTheClock } from '../../support/clock.ts';
import { onEachEngine } from '../../support/engines.ts';
import { addressOf } from '../../support/guessing.ts';
import {
  Client,
  makeUser,
  PASSWORD,
  quickHashing,
  signedIn,
  startService,
  whoamiStatus,
} from '../../support/service.ts';
import { noteStatements } from '../../support/statements.ts';

const MOST = 3;
const MINUTES = 60;

onEachEngine('A user has at most MAX_SESSIONS sessions (7.1.2)', async (t, engine) => {
  const hashing = quickHashing;
  const { app, settings } = await startService(t, engine, {
    hashing,
    settings: { MAX_SESSIONS: MOST, TRUST_PROXY: true },
  });
  const { DATABASE_URL: databaseUrl, SECRET_KEY } = settings;
  const living = async (id: string) => (await app.db.sessions.page(id, '', 100, Date.now())).length;
  const statuses = (clients: Client[]) => Promise.all(clients.map((client) => whoamiStatus(client)));
  const signIn = async (name: string, more = {}) => {
    const client = new Client(app);
    const response = await client.signIn(name, PASSWORD, more);
    t.equal(response.statusCode, 200, response.payload);
    return { client, ended: response.json().endedSessions };
  };

  await t.test(
    'One more ends the session that was not seen for longest, and the answer says so',
    async (t) => {
      const advance = stopTheClock(t);
      const id = await makeUser(app, 'ann');
      const bystander = await makeUser(app, 'bystander').then(() => signedIn(app, 'bystander'));
      const [first, second, third] = [await signIn('ann'), await signIn('ann'), await signIn('ann')];
      t.strictSame([first.ended, second.ended, third.ended], [0, 0, 0]);
      advance(10 * MINUTES);
      // The oldest is used, so the second has not been seen for longest.
      t.equal(await whoamiStatus(first.client), 200);
      const fourth = await signIn('ann');
      t.equal(fourth.ended, 1);
      const clients = [first.client, second.client, third.client, fourth.client];
      t.strictSame(await statuses(clients), [200, 401, 200, 200]);
      t.equal(await living(id), MOST);
      t.equal(await whoamiStatus(bystander), 200, 'sessions of others stay');
      const [entry, ...others] = await app.db.audit.page({ event: 'signed-in', target: id }, '', 'g', 100);
      t.strictSame(entry?.after, { endedSessions: 1 });
      t.strictSame(
        others.map(({ after }) => after),
        [null, null, null],
      );
    },
  );

  await t.test('What has ended, or is replaced in the same browser, takes no room', async (t) => {
    const advance = stopTheClock(t);
    await makeUser(app, 'bob');
    const remembered = await signIn('bob', { remember: true });
    const [leaver] = [await signIn('bob'), await signIn('bob')];
    await leaver.client.request('POST', '/api/sign/out');
    t.equal((await signIn('bob')).ended, 0, 'one has signed out');
    advance(settings.SESSION_IDLE);
    const again = [await signIn('bob'), await signIn('bob')];
    t.strictSame(
      again.map(({ ended }) => ended),
      [0, 0],
      'two have expired, and are there until they are purged',
    );
    t.equal(await whoamiStatus(remembered.client), 200);
    const response = await (again[0]?.client ?? new Client(app)).signIn('bob');
    t.equal(response.json().endedSessions, 0, 'the browser gives up its own');
  });

  await t.test('A lower setting ends all that are too many with the next sign-in', async (t) => {
    const id = await makeUser(app, 'cem');
    for (let count = 0; count < MOST; count++) await signIn('cem');
    const strict = { SECRET_KEY, MAX_SESSIONS: 1 };
    const { app: later } = await startService(t, engine, { hashing, databaseUrl, settings: strict });
    t.equal((await new Client(later).signIn('cem')).json().endedSessions, MOST);
    t.equal(await living(id), 1);
  });

  await t.test('A failed sign-in ends none', async (t) => {
    const id = await makeUser(app, 'dan');
    for (let count = 0; count < MOST; count++) await signIn('dan');
    t.equal((await new Client(app).signIn('dan', 'wrong')).statusCode, 401);
    t.equal(await living(id), MOST);
  });

  await t.test('Many sign-ins at once, in two processes, leave no more than that', async (t) => {
    const { app: other } = await startService(t, engine, {
      hashing,
      databaseUrl,
      settings: { SECRET_KEY, MAX_SESSIONS: MOST, TRUST_PROXY: true },
    });
    const id = await makeUser(app, 'eve');
    const clients = Array.from({ length: 16 }, (_, index) => new Client(index % 2 ? other : app));
    // From as many networks: of one, five attempts at a name may be under way.
    const credentials = { username: 'eve', password: PASSWORD };
    const responses = await Promise.all(
      clients.map((client, index) =>
        client.request('POST', '/api/sign/in', credentials, { 'x-forwarded-for': addressOf(index) }),
      ),
    );
    t.strictSame(
      responses.map(({ statusCode }) => statusCode),
      Array(16).fill(200),
    );
    t.equal(await living(id), MOST);
    const ended = responses.reduce((sum, response) => sum + response.json().endedSessions, 0);
    t.equal(ended, 16 - MOST, 'the answers tell of each that ended');
    t.equal((await statuses(clients)).filter((status) => status === 200).length, MOST);
  });

  await t.test('Users who sign in at once do not wait for each other in a circle', async (t) => {
    const names = Array.from({ length: 8 }, (_, index) => `crowd-${index}`);
    for (const name of names) await makeUser(app, name);
    const tries = t.capture(app.db, 'atomically', app.db.atomically);
    const statements = noteStatements(t);
    const clients = await Promise.all(names.map((name) => signIn(name)));
    t.strictSame(
      clients.map(({ ended }) => ended),
      names.map(() => 0),
    );
    t.equal(
      tries().filter(({ args: [steps] }) => steps.length > 1).length,
      names.length,
      'none is tried again',
    );
    const rollbacks = statements().filter((text) => /^insert into .sessions/i.test(text));
    t.equal(rollbacks.length, names.length, 'nor by the engine');
  });
});
