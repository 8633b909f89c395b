/** Signing up: the address is pending, and the answer does not tell whether another user has it (S1). */
import { onEachEngine } from '../../support/engines.ts';
import { Client, makeUser, PASSWORD, quickHashing, signedIn, startService } from '../../support/service.ts';

onEachEngine('Signing up gives the user a pending address', async (t, engine) => {
  let hashes = 0;
  const hash = (password: string) => {
    hashes++;
    return quickHashing.hash(password);
  };
  const hashing = { ...quickHashing, hash };
  const { app } = await startService(t, engine, { hashing, settings: { SIGN_UP: 'open' } });
  await makeUser(app, 'chief', { admin: true });
  await makeUser(app, 'ann');
  const chief = await signedIn(app, 'chief');
  let networks = 0;
  const signUp = (username: string, email?: string) =>
    app.inject({
      method: 'POST',
      url: '/api/sign/up',
      payload: { username, password: PASSWORD, ...(email === undefined ? {} : { email }) },
      // Another one each time, because attempts are counted by network.
      remoteAddress: `192.0.2.${++networks}`,
    });
  const statusOfSignIn = async (name: string) => (await new Client(app).signIn(name)).statusCode;

  t.test('The answer shows the whole user, who signs in by the username alone', async (t) => {
    const response = await signUp('bob', 'Bob@example.net');
    t.equal(response.statusCode, 201);
    const { id, createdAt, ...user } = response.json();
    t.strictSame(user, {
      username: 'bob',
      name: '',
      active: true,
      updatedAt: createdAt,
      email: null,
      pendingEmail: 'Bob@example.net',
      lastSignInAt: null,
    });
    const read = (await chief.request('GET', `/api/users/${id}`)).json();
    t.match(read, response.json());
    t.match([await statusOfSignIn('bob'), await statusOfSignIn('bob@example.net')], [200, 401]);
  });

  t.test('Signing up is answered equally for addresses that others have and that nobody has', async (t) => {
    const addresses = [
      { of: 'nobody', email: 'nobody@example.net' },
      { of: 'ann', email: 'ann@example.org' },
      { of: 'ann, in another form', email: 'ＡNN@Example.ORG.' },
      { of: 'nobody, but pending for bob', email: 'bob@example.net' },
    ];
    const answers = [];
    for (const [n, { of, email }] of addresses.entries()) {
      hashes = 0;
      const writes = t.capture(app.db, 'atomically', app.db.atomically);
      const { statusCode, headers, payload, json } = await signUp(`new-${n}`, email);
      const { id, createdAt, updatedAt, pendingEmail, ...user } = json();
      t.equal(pendingEmail, email, `the address of ${of}`);
      const { location, date, 'x-request-id': request, 'content-length': length, ...others } = headers;
      t.equal(location, `/api/users/${id}`);
      t.equal(Number(length), Buffer.byteLength(payload));
      const [entry] = await app.db.audit.page({}, '', 'g', 1);
      t.match(entry, { event: 'signed-up', targetName: `new-${n}`, after: { email: null, pendingEmail } });
      const body = JSON.stringify(user).replace(`new-${n}`, 'new');
      answers.push({ statusCode, headers: others, body, hashes, writes: writes().length });
    }
    t.match(answers[0], { statusCode: 201, hashes: 1 });
    for (const answer of answers) t.strictSame(answer, answers[0]);
  });

  t.test('A taken username is told, and whether the address is taken, too, is not', async (t) => {
    const answers = [];
    for (const email of [undefined, 'none@example.net', 'ann@example.org', 'bob@example.net']) {
      hashes = 0;
      const response = await signUp('ANN', email);
      const { requestId, ...body } = response.json();
      answers.push({ status: response.statusCode, body, hashes });
    }
    t.match(answers[0], { status: 409, hashes: 1, body: { errors: [{ pointer: '/username' }] } });
    for (const answer of answers) t.strictSame(answer, answers[0]);
  });

  t.test('The address stays that of whom an administrator gave it', async (t) => {
    const { id } = (await signUp('thief', 'ann@example.org')).json();
    t.match((await new Client(app).signIn('ann@example.org')).json(), { user: { username: 'ann' } });
    const response = await chief.request('PATCH', `/api/users/${id}`, { email: 'ann@example.org' });
    t.equal(response.statusCode, 409);
  });

  t.test(
    'Ten users who sign up with one address at once all get an account, and one of them the address',
    async (t) => {
      const names = Array.from({ length: 10 }, (_, n) => `twin-${n}`);
      const responses = await Promise.all(names.map((name) => signUp(name, 'twins@example.net')));
      for (const { statusCode } of responses) t.equal(statusCode, 201);
      const confirmed = await Promise.all(
        responses.map((response) =>
          chief.request('PATCH', `/api/users/${response.json().id}`, { email: 'twins@example.net' }),
        ),
      );
      const statuses = confirmed.map(({ statusCode }) => statusCode).sort();
      t.strictSame(statuses, [200, ...Array(9).fill(409)]);
    },
  );
});
