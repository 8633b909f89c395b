/** What ends on one node of a Galera cluster must be over on every other one at once, also on a node that lags. */
import mysql from 'mysql2/promise';
import { startTwo } from '../../support/meeting.ts';
import { onCluster } from '../../support/on-cluster.ts';
import { Client, makeToken, makeUser, signedIn } from '../../support/service.ts';

/** What requests of a node that lags may take, in milliseconds: more than its repl.causal_read_timeout. */
const BOUND = 6_000;

onCluster('What ends on one node of a cluster is over on every node', async (t, cluster) => {
  const [one, other] = await startTwo(t, cluster.engine);
  await makeUser(one, 'chief', { admin: true });
  const chief = await signedIn(one, 'chief');
  /** @returns the same browser, as it asks the instance on the other node. */
  const elsewhere = (client: Client) => {
    const twin = new Client(other);
    twin.cookie = client.cookie;
    return twin;
  };
  const statusOf = async (client: Client, headers = {}) =>
    (await client.request('GET', '/api/sign/check?permission=users:write', undefined, headers)).statusCode;

  await t.test(
    'A session that began on one node is known on another at once, and ended as soon',
    async (t) => {
      const unexpected: number[] = [];
      for (let round = 0; round < 200; round++) {
        const client = await signedIn(one, 'chief');
        const twin = elsewhere(client);
        const began = await statusOf(twin);
        await client.request('POST', '/api/sign/out');
        const ended = await statusOf(twin);
        if (began !== 204 || ended !== 401) unexpected.push(began, ended);
      }
      t.strictSame(unexpected, []);
    },
  );

  const clerks = (
    await chief.request('POST', '/api/groups', { name: 'clerks', permissions: ['users:write'] })
  ).json();
  const makeClerk = async (name: string) => {
    const id = await makeUser(one, name);
    await chief.request('PUT', `/api/groups/${clerks.id}/members/${id}`, { role: 'member' });
    return { id, client: await signedIn(one, name) };
  };
  const lagging = await mysql.createConnection(cluster.nodes[1].url);
  t.teardown(() => lagging.destroy());

  const session = await makeClerk('session');
  const disabled = await makeClerk('disabled');
  const removed = await makeClerk('removed');
  const owner = await makeClerk('owner');
  const token = await makeToken(owner.client, { scopes: ['users:write'] });
  const ends = [
    {
      what: 'a session that was ended',
      ...session,
      end: ['DELETE', `/api/users/${session.id}/sessions`],
      after: 401,
    },
    {
      what: 'a user who was disabled',
      ...disabled,
      end: ['PATCH', `/api/users/${disabled.id}`],
      body: { active: false },
      after: 401,
    },
    {
      what: 'a permission that was taken',
      ...removed,
      end: ['DELETE', `/api/groups/${clerks.id}/members/${removed.id}`],
      after: 403,
    },
    {
      what: 'a token that was ended',
      ...owner,
      end: ['DELETE', `/api/tokens/${token.id}`],
      by: owner.client,
      headers: token.headers,
      after: 401,
    },
  ] as const;
  for (const {
    what,
    client,
    end: [method, path],
    after,
    ...more
  } of ends) {
    await t.test(`A node that lags refuses ${what}, or answers 503 within a bound`, async (t) => {
      const headers = 'headers' in more ? more.headers : {};
      const twin = 'headers' in more ? new Client(other) : elsewhere(client);
      t.equal(await statusOf(twin, headers), 204);
      await lagging.query('FLUSH TABLES WITH READ LOCK');
      const ended = await ('by' in more ? more.by : chief).request(
        method,
        path,
        'body' in more ? more.body : undefined,
      );
      t.match(ended.statusCode, /^20[04]$/, ended.payload);
      const began = Date.now();
      const answer = await twin.request('GET', '/api/sign', undefined, headers);
      t.match(answer, { statusCode: 503, headers: { 'retry-after': /^\d+$/ } });
      t.ok(Date.now() - began < BOUND);
      await lagging.query('UNLOCK TABLES');
      t.equal(await statusOf(twin, headers), after);
    });
  }
});
