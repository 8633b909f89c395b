/** A user who is removed or disabled while their own request is carried out: the request ends as if they had been so before. */
import { onEachEngine } from '../support/engines.ts';
import { startTwo } from '../support/meeting.ts';
import { Client, makeUser, PASSWORD, quickHashing, signedIn, startService } from '../support/service.ts';

onEachEngine('A user who goes while a password is hashed', async (t, engine) => {
  let act = async () => {};
  /** Does that once, when the next password has been hashed or checked. */
  const meanwhile = (what: () => Promise<unknown>) => {
    act = async () => {
      act = async () => {};
      await what();
    };
  };
  const hashing: typeof quickHashing = {
    hash: async (password) => {
      const hash = await quickHashing.hash(password);
      await act();
      return hash;
    },
    verify: async (hashed, password) => {
      const isRight = await quickHashing.verify(hashed, password);
      await act();
      return isRight;
    },
  };
  const { app } = await startService(t, engine, { hashing });
  await makeUser(app, 'chief', { admin: true });
  const chief = await signedIn(app, 'chief');

  await t.test('A sign-in of a user who is removed after the password was checked answers 401', async (t) => {
    const id = await makeUser(app, 'ann');
    meanwhile(async () => t.equal((await chief.request('DELETE', `/api/users/${id}`)).statusCode, 204));
    const answer = await new Client(app).signIn('ann');
    t.equal(answer.statusCode, 401, answer.payload);
    t.match(answer.json(), { type: 'urn:rollcall:problem:wrong-credentials' });
    t.match(await app.db.audit.page({}, '', 'g', 1), [{ event: 'sign-in-refused', targetId: id }]);
  });

  const change = { current: PASSWORD, password: 'another password' };
  for (const [what, method, body] of [
    ['removed', 'DELETE', undefined],
    ['disabled', 'PATCH', { active: false }],
  ] as const) {
    await t.test(`A change of the password of a user who is ${what} meanwhile answers 409`, async (t) => {
      const id = await makeUser(app, what);
      const client = await signedIn(app, what);
      const before = await app.db.users.passwordHash(id);
      meanwhile(async () =>
        t.match((await chief.request(method, `/api/users/${id}`, body)).statusCode, /^20/),
      );
      const answer = await client.request('PUT', `/api/users/${id}/password`, change);
      t.equal(answer.statusCode, 409, answer.payload);
      t.match(answer.json(), { detail: /^The password was changed, or this session was ended/ });
      t.equal(answer.headers['set-cookie'], undefined, 'the session is not renewed');
      t.equal(await app.db.users.passwordHash(id), what === 'removed' ? undefined : before);
    });
  }
});

onEachEngine('A user who is removed after their session was found is told to sign in', async (t, engine) => {
  const [app, other] = await startTwo(t, engine);
  await makeUser(app, 'chief', { admin: true });
  const id = await makeUser(app, 'ann');
  const [chief, ann] = [await signedIn(other, 'chief'), await signedIn(app, 'ann')];
  const { find } = app.db.users;
  t.intercept(app.db.users, 'find', {
    value: async (userId: string) => {
      t.equal((await chief.request('DELETE', `/api/users/${id}`)).statusCode, 204);
      return find(userId);
    },
  });
  const answer = await ann.request('GET', '/api/sign');
  t.equal(answer.statusCode, 401, answer.payload);
  t.match(answer.json(), { type: 'urn:rollcall:problem:session-ended' });
});
