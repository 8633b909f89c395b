/** A bearer token authenticates a request that has no valid session, and creates none. See loaders.test.ts for other loaders. */
import { makeSecret } from '../../../accounts/secrets.ts';
import { stopTheClock } from '../../support/clock.ts';
import { onEachEngine } from '../../support/engines.ts';
import { hasTokens } from '../../support/optional.ts';
import {
  Client,
  makeToken,
  makeUser,
  quickHashing,
  signedIn,
  startService,
  whoamiStatus,
} from '../../support/service.ts';
import { noteStatements } from '../../support/statements.ts';

if (hasTokens)
  onEachEngine('A token authenticates a request without a session', async (t, engine) => {
    const settings = { SESSION_IDLE: 60 };
    const { app } = await startService(t, engine, { hashing: quickHashing, settings });
    const ann = await makeUser(app, 'ann');
    const bob = await makeUser(app, 'bob');
    const token = await makeToken(await signedIn(app, 'bob'));
    const whoami = async (client: Client, headers: Record<string, string>) =>
      (await client.request('GET', '/api/sign', undefined, headers)).json();

    t.test('A session takes precedence over a token, and the loader is not called (case 4)', async (t) => {
      const client = await signedIn(app, 'ann');
      const statements = noteStatements(t);
      const tokenReads = () => statements().filter((text) => text.includes('tokens'));
      t.match(await whoami(client, token.headers), { user: { id: ann }, via: 'session' });
      t.equal(tokenReads().length, 0);
      t.match(await whoami(new Client(app), token.headers), { user: { id: bob }, via: 'token' });
      t.ok(tokenReads().length > 0, 'without a session the loader is called');
    });

    t.test('A token authenticates when the session is forged, expired or ended (case 5)', async (t) => {
      const ended = await signedIn(app, 'ann');
      const cookieOfEnded = ended.cookie;
      await ended.request('POST', '/api/sign/out');
      const expired = await signedIn(app, 'ann');
      const advance = stopTheClock(t);
      advance(61);
      const forged = `rollcall=${'A'.repeat(43)}.${'A'.repeat(43)}`;
      for (const cookie of [forged, expired.cookie, cookieOfEnded]) {
        const client = new Client(app);
        client.cookie = cookie;
        t.match(await whoami(client, token.headers), { user: { id: bob }, via: 'token', fresh: false });
      }
    });

    t.test('A token creates no session, no row and no cookie (case 6)', async (t) => {
      const client = new Client(app);
      await whoami(client, token.headers);
      const before = await app.db.sessions.page(bob, '', 100, Date.now());
      const writes = t.capture(app.db, 'atomically', app.db.atomically);
      const response = await client.request('GET', '/api/sign', undefined, token.headers);
      t.match(response.json(), { user: { id: bob }, via: 'token' });
      t.notOk('session' in response.json());
      t.equal(response.headers['set-cookie'], undefined);
      t.equal(writes().length, 0);
      t.strictSame(await app.db.sessions.page(bob, '', 100, Date.now()), before);
      t.equal(await whoamiStatus(client), 401);
    });

    t.test('An invalid, expired, ended or malformed token is anonymous (case 7)', async (t) => {
      const owner = await signedIn(app, 'bob');
      const ended = await makeToken(owner);
      t.equal((await owner.request('DELETE', `/api/tokens/${ended.id}`)).statusCode, 204);
      const advance = stopTheClock(t);
      const expired = await makeToken(owner, { expiresIn: 60 });
      advance(59.999);
      t.equal(await whoamiStatus(new Client(app), expired.headers), 200, 'the token has not expired');
      advance(0.001);
      const { secret } = token;
      const sent = [
        `Bearer ${makeSecret('rc_')}`,
        `Bearer ${makeSecret('rcc_')}`,
        `Bearer ${ended.secret}`,
        `Bearer ${expired.secret}`,
        `Bearer ${secret.slice(0, -1)}`,
        `Bearer ${secret}0`,
        `Bearer ${secret.toUpperCase()}`,
        `Bearer ${secret} ${secret}`,
        `Bearer`,
        'Bearer ',
        secret,
        `Basic ${Buffer.from(`bob:${secret}`).toString('base64')}`,
        `rollcall=${secret}`,
        '\u00e9'.repeat(100),
      ];
      for (const authorization of sent) {
        const client = new Client(app);
        const response = await client.request('GET', '/api/users', undefined, { authorization });
        t.equal(response.statusCode, 401, authorization.slice(0, 20));
        t.notMatch(response.payload, secret);
        // RFC 6750, section 3.1: no error code for a request without a token.
        const isToken = /^Bearer/.test(authorization);
        t.match(response.json(), {
          type: `urn:rollcall:problem:${isToken ? 'invalid-token' : 'unauthenticated'}`,
          detail: isToken ? /token/ : /Sign in first/,
        });
        t.equal(
          response.headers['www-authenticate'],
          `Bearer realm="rollcall"${isToken ? ', error="invalid_token"' : ''}, Cookie realm="rollcall", cookie-name="rollcall"`,
        );
        t.equal((await client.request('GET', '/', undefined, { authorization })).statusCode, 200);
      }
      t.equal(
        await whoamiStatus(new Client(app), { authorization: `bearer  ${secret} ` }),
        200,
        'the valid token works',
      );
    });
  });
