/** What lets somebody in is random: 256 bits in each session's cookie, in each one-time code and in each API token. */
import { onEachEngine } from '../../support/engines.ts';
import { hasTokens } from '../../support/optional.ts';
import { Client, makeToken, makeUser, quickHashing, signedIn, startService } from '../../support/service.ts';

const MANY = 100;
const BYTES = 32;
/** How far the share of a bit may be from a half: six standard deviations. */
const TOLERANCE = 3 / Math.sqrt(MANY);

onEachEngine('Secrets are random', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  const id = await makeUser(app, 'ann');
  await makeUser(app, 'chief', { admin: true });
  const chief = await signedIn(app, 'chief');

  const kinds = [
    {
      what: 'The cookie of a session',
      shape: /^rollcall=([\w-]{43})\.[\w-]{43}$/,
      make: async () => (await signedIn(app, 'ann')).cookie,
    },
    {
      what: 'A one-time code',
      shape: /^rcc_([\w-]{43})[0-9a-f]{8}$/,
      make: async (): Promise<string> => (await chief.request('POST', `/api/users/${id}/reset`)).json().code,
    },
    ...(hasTokens
      ? [
          {
            what: 'An API token',
            shape: /^rc_([\w-]{43})[0-9a-f]{8}$/,
            make: async () => (await makeToken(chief)).secret,
          },
        ]
      : []),
  ];
  for (const { what, shape, make } of kinds) {
    await t.test(
      `${what} has 256 bits, each as often set as not, and is never the same (7.2.3)`,
      async (t) => {
        const secrets = new Set<string>();
        for (let made = 0; made < MANY; made++) secrets.add(shape.exec((await make()) ?? '')?.[1] ?? '');
        t.equal(secrets.size, MANY);
        const numbers = [...secrets].map((secret) => Buffer.from(secret, 'base64url'));
        t.ok(numbers.every(({ length }) => length === BYTES));
        const odd = Array.from({ length: BYTES * 8 }, (_, bit) => {
          const set = numbers.filter((bytes) => ((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1).length;
          return { bit, share: set / MANY };
        }).filter(({ share }) => Math.abs(share - 0.5) > TOLERANCE);
        t.strictSame(odd, []);
      },
    );
  }

  await t.test('A cookie that was guessed or made up signs nobody in (7.2.2)', async (t) => {
    const { cookie = '' } = await signedIn(app, 'ann');
    const [, secret = '', signature] = /=([^.]+)\.(.+)$/.exec(cookie) ?? [];
    const bytes = Buffer.from(secret, 'base64url');
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    const neighbour = bytes.toString('base64url');
    for (const value of [`${neighbour}.${signature}`, app.sessionCookie.sign(neighbour), id, 'ann', '1']) {
      const client = new Client(app);
      client.cookie = `rollcall=${value}`;
      t.equal((await client.request('GET', '/api/sign')).statusCode, 401, value);
    }
  });
});
