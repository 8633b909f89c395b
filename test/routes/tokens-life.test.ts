/** How long API tokens live: at most as long as the setting says, and not beyond a reset of their owner's password. */
import { tokensIn } from '../../accounts/tokens.ts';
import { commandsOn, fails, succeeds } from '../support/commands.ts';
import { onEachEngine } from '../support/engines.ts';
import { meet, ROUNDS, startTwo } from '../support/meeting.ts';
import {
  Client,
  makeToken,
  makeUser,
  PASSWORD,
  quickHashing,
  signedIn,
  startService,
  whoamiStatus,
} from '../support/service.ts';

const NEW = 'a password that is new';
const DAY = 24 * 60 * 60;

onEachEngine('A reset of the password ends the API tokens of its user', async (t, engine) => {
  const { app, settings } = await startService(t, engine, { hashing: quickHashing });
  const command = commandsOn(settings.DATABASE_URL);
  await makeUser(app, 'chief', { admin: true });
  const chief = await signedIn(app, 'chief');
  const kept = await makeToken(chief);
  const eventsAbout = async (id: string) => {
    const { items } = (await chief.request('GET', `/api/audit?event=tokens-ended&target=${id}`)).json();
    return items;
  };

  const ways = [
    {
      by: 'A code',
      async reset(id: string) {
        const { code } = (await chief.request('POST', `/api/users/${id}/reset`)).json();
        const response = await new Client(app).request('POST', '/api/sign/reset', { code, password: NEW });
        t.equal(response.statusCode, 204);
      },
      recorded: (id: string) => ({ via: 'code', actor: { id } }),
    },
    {
      by: 'The operator',
      async reset(_id: string, name: string) {
        const result = await command(['user', 'password', name, '--password-stdin'], NEW);
        succeeds(
          t,
          result,
          /^set the password of [\w-]+; their sessions, one-time codes and API tokens have ended, and nothing else has\n$/,
        );
      },
      recorded: () => ({ via: 'manage', actor: null }),
    },
  ];
  for (const [index, { by, reset, recorded }] of ways.entries()) {
    t.test(`${by} ends all tokens of the user, and the audit trail says so once`, async (t) => {
      const name = `owner-${index}`;
      const id = await makeUser(app, name);
      const owner = await signedIn(app, name);
      const tokens = [await makeToken(owner), await makeToken(owner)];
      await reset(id, name);
      for (const { headers } of tokens) t.equal(await whoamiStatus(new Client(app), headers), 401);
      t.same(await tokensIn(app.db).page(id, '', 10), [], 'no row is left');
      t.equal(await whoamiStatus(new Client(app), kept.headers), 200, 'tokens of others stay');
      const events = await eventsAbout(id);
      t.match(events, [{ ...recorded(id), target: { kind: 'user', id, name }, before: null, after: null }]);
      t.equal(events.length, 1);
      await reset(id, name);
      t.equal((await eventsAbout(id)).length, 1, 'a reset that ends no token records none');
    });
  }

  t.test('A reset that is refused ends no token', async (t) => {
    await makeUser(app, 'lucky');
    const { headers } = await makeToken(await signedIn(app, 'lucky'));
    const body = { code: 'rcc_wrong', password: NEW };
    t.equal((await new Client(app).request('POST', '/api/sign/reset', body)).statusCode, 400);
    t.equal(await whoamiStatus(new Client(app), headers), 200);
  });
});

onEachEngine('A token that is made during a reset of the password', async (t, engine) => {
  const [one, other] = await startTwo(t, engine);
  await makeUser(one, 'chief', { admin: true });
  const chief = await signedIn(one, 'chief');
  for (const round of ROUNDS) {
    for (const before of [0, 1]) {
      const name = `hasty-${round}-${before}`;
      const id = await makeUser(one, name);
      const owner = await signedIn(other, name);
      for (let made = 0; made < before; made++) await makeToken(owner);
      const { code } = (await chief.request('POST', `/api/users/${id}/reset`)).json();
      await t.test(`does not outlive it (${round}, ${before} tokens before)`, async (t) => {
        meet(t, [one, other], round);
        const [reset, made] = await Promise.all([
          new Client(one).request('POST', '/api/sign/reset', { code, password: NEW }),
          owner.request('POST', '/api/tokens', { name: 'late' }),
        ]);
        t.equal(reset.statusCode, 204, reset.payload);
        t.match(made.statusCode, /^(201|401)$/);
        t.same(await tokensIn(one.db).page(id, '', 10), []);
        const ended = await one.db.audit.page({ event: 'tokens-ended', target: id }, '', 'g', 10);
        t.equal(
          ended.length,
          before > 0 || made.statusCode === 201 ? 1 : 0,
          'the audit trail tells of those that ended',
        );
      });
    }
  }
});

onEachEngine('TOKEN_LIFETIME is the longest life of an API token', async (t, engine) => {
  const { app, settings } = await startService(t, engine, {
    hashing: quickHashing,
    settings: { TOKEN_LIFETIME: DAY },
  });
  const command = commandsOn(settings.DATABASE_URL, { TOKEN_LIFETIME: String(DAY) });
  const ann = await makeUser(app, 'ann');
  const owner = await signedIn(app, 'ann');
  /** @returns how long the newest token lives, in seconds. */
  const life = async () => {
    const { createdAt, expiresAt } = (await tokensIn(app.db).page(ann, '', 100)).at(-1) ?? {};
    return Math.round(((expiresAt ?? 0) - (createdAt ?? 0)) / 1000);
  };

  await t.test('A longer life is refused, with the error of the field', async (t) => {
    const made = await owner.request('POST', '/api/tokens', { name: 'long', expiresIn: DAY + 1 });
    t.equal(made.statusCode, 400, made.payload);
    const errors = [
      { in: 'body', pointer: '/expiresIn', code: 'too-large', detail: `must be at most ${DAY}` },
    ];
    t.match(made.json(), { type: 'urn:rollcall:problem:invalid', errors });
    const result = await command(['token', 'create', 'ann', 'long', '--expires-in', String(DAY + 1)]);
    fails(t, result, new RegExp(`^manage: The number of seconds "${DAY + 1}" must be at most ${DAY}\\.\n$`));
    t.same(await tokensIn(app.db).page(ann, '', 10), []);
  });

  const cases = [
    { wish: undefined, lives: DAY },
    { wish: DAY, lives: DAY },
    { wish: 60, lives: 60 },
  ];
  for (const { wish, lives } of cases) {
    await t.test(`A token that is made for ${wish ?? 'no'} seconds lives ${lives}`, async (t) => {
      await makeToken(owner, wish === undefined ? {} : { expiresIn: wish });
      t.equal(await life(), lives);
      const options = wish === undefined ? [] : ['--expires-in', String(wish)];
      const { code, stderr } = await command(['token', 'create', 'ann', 'made', ...options]);
      t.equal(code, 0, stderr);
      t.match(stderr, /, until \S+Z:\n$/);
      t.equal(await life(), lives);
    });
  }

  await t.test('Tokens that are there keep their expiry when the setting changes', async (t) => {
    const { id } = await makeToken(owner);
    const { DATABASE_URL: databaseUrl, SECRET_KEY } = settings;
    const strict = { SECRET_KEY, TOKEN_LIFETIME: 60 };
    const later = await startService(t, engine, { hashing: quickHashing, databaseUrl, settings: strict });
    const client = new Client(later.app);
    await client.signIn('ann', PASSWORD);
    const { items } = (await client.request('GET', '/api/tokens?limit=100')).json();
    const { createdAt, expiresAt } = items.find((each: { id: string }) => each.id === id);
    t.equal(Math.round((Date.parse(expiresAt) - Date.parse(createdAt)) / 1000), DAY);
  });
});
