/** Signing out with an API token ends the token. See signing-out.test.ts for sessions. */
import { onEachEngine } from '../../support/engines.ts';
import {
  Client,
  makeToken,
  makeUser,
  quickHashing,
  signedIn,
  startService,
  whoamiStatus,
} from '../../support/service.ts';

onEachEngine('Signing out with a token', async (t, engine) => {
  const { app, settings } = await startService(t, engine, { hashing: quickHashing });
  const { DATABASE_URL: databaseUrl, SECRET_KEY } = settings;
  const other = await startService(t, engine, {
    hashing: quickHashing,
    databaseUrl,
    settings: { SECRET_KEY },
  });
  await makeUser(app, 'ann');

  t.test('Signing out with a token ends that token and no other', async (t) => {
    const owner = await signedIn(app, 'ann');
    const [token, kept] = [await makeToken(owner), await makeToken(owner)];
    const robot = new Client(app);
    const out = () => robot.request('POST', '/api/sign/out', undefined, token.headers);
    t.equal((await out()).statusCode, 204);
    t.equal(await whoamiStatus(robot, token.headers), 401, 'it does not need a scope');
    t.equal(await whoamiStatus(new Client(other.app), token.headers), 401, 'nor in another process');
    t.equal(await whoamiStatus(robot, kept.headers), 200);
    t.equal(await whoamiStatus(owner), 200, 'the session of its owner lives');
    const trail = (await app.db.audit.page({ event: 'token-ended' }, '', 'g', 10)).filter(
      ({ targetId }) => targetId === token.id,
    );
    t.match(trail, [{ actorName: 'ann', via: 'token', targetKind: 'token', targetName: 'test' }]);
    t.equal((await out()).statusCode, 204, 'and once more');
    t.equal((await app.db.audit.page({ event: 'token-ended' }, '', 'g', 10)).length, trail.length);
    for (const authorization of ['Bearer nonsense', 'Bearer', 'Basic x'])
      t.equal((await robot.request('POST', '/api/sign/out', undefined, { authorization })).statusCode, 204);
  });

  t.test(
    'Signing out with a session and a token ends the session, and with a dead one the token',
    async (t) => {
      const owner = await signedIn(app, 'ann');
      const { id, headers } = await makeToken(owner);
      const both = new Client(app);
      both.cookie = owner.cookie;
      t.equal((await both.request('POST', '/api/sign/out', undefined, headers)).statusCode, 204);
      t.equal(await whoamiStatus(owner), 401);
      t.equal(await whoamiStatus(new Client(app), headers), 200, 'the token lives');
      both.cookie = owner.cookie;
      t.equal((await both.request('POST', '/api/sign/out', undefined, headers)).statusCode, 204);
      t.equal(await whoamiStatus(new Client(app), headers), 401, 'without a living session the token counts');
      t.equal(
        (await (await signedIn(app, 'ann')).request('DELETE', `/api/tokens/${id}`)).statusCode,
        404,
        'the token is gone',
      );
    },
  );

  t.test('A token ends itself by signing out alone, and no token of a disabled user does', async (t) => {
    const owner = await signedIn(app, 'ann');
    const { id, headers } = await makeToken(owner);
    const robot = new Client(app);
    const ending = await robot.request('DELETE', `/api/tokens/${id}`, undefined, headers);
    t.match(ending.json(), { status: 403, type: 'urn:rollcall:problem:session-required' });
    const ann = (await owner.request('GET', '/api/sign')).json().user.id;
    const setActive = async (active: boolean) => {
      const row = await app.db.users.find(ann);
      if (row) await app.db.atomically([app.db.users.change({ ...row, active }, Date.now())]);
    };
    await setActive(false);
    t.equal((await robot.request('POST', '/api/sign/out', undefined, headers)).statusCode, 204);
    await setActive(true);
    t.equal(await whoamiStatus(robot, headers), 200);
  });
});
