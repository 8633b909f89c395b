/**
 * Concurrent requests to two instances of the service on one database (test/routes/races.test.ts), or by two nodes of a cluster
 * (test/long/galera/rules.test.ts). Both instances wait for each other just before they write, so the writes really collide.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { LightMyRequestResponse } from 'fastify';
import type { Test } from 'tap';
import type { App } from '../../app.ts';
import { hasAdministrator } from './administrators.ts';
import type { TestEngine } from './engines.ts';
import { meet, ROUNDS, startTwo } from './meeting.ts';
import { Client, makeUser, PASSWORD, signedIn } from './service.ts';

const NEW = 'a password that is new';

function statuses(responses: LightMyRequestResponse[]): number[] {
  return responses.map(({ statusCode }) => statusCode).sort();
}

async function stayConsistent(t: Test, engine: TestEngine): Promise<void> {
  const [one, other] = await startTwo(t, engine);
  await makeUser(one, 'chief', { admin: true });
  const chief = await signedIn(one, 'chief');
  const elsewhere = await signedIn(other, 'chief');
  const rows = (id: string) => one.db.sessions.page(id, '', 100, Date.now());

  t.test('Concurrent POST user with one username answers 201 once and 409 once', async (t) => {
    for (const round of ROUNDS) {
      await t.test(`One username is created once (${round})`, async (t) => {
        meet(t, [one, other], round);
        const responses = await Promise.all([
          chief.request('POST', '/api/users', { username: `twin-${round}` }),
          elsewhere.request('POST', '/api/users', { username: `TWIN-${round}` }),
        ]);
        t.strictSame(statuses(responses), [201, 409]);
      });
    }
  });

  t.test('A reset code that is used twice at once works once', async (t) => {
    for (const round of ROUNDS) {
      const name = `forgetful-${round}`;
      const id = await makeUser(one, name);
      const { code } = (await chief.request('POST', `/api/users/${id}/reset`)).json();
      await t.test(`One reset code works once (${round})`, async (t) => {
        meet(t, [one, other], round);
        const passwords = [`${NEW} 1`, `${NEW} 2`];
        const responses = await Promise.all(
          [one, other].map((app, index) =>
            new Client(app).request('POST', '/api/sign/reset', { code, password: passwords[index] }),
          ),
        );
        t.strictSame(statuses(responses), [204, 400]);
        for (const [index, password] of passwords.entries()) {
          const { statusCode } = await new Client(one).signIn(name, password);
          t.equal(statusCode, responses[index]?.statusCode === 204 ? 200 : 401);
        }
      });
    }
  });

  t.test('Concurrent PATCH user with the same If-Match succeeds once', async (t) => {
    for (const round of ROUNDS) {
      const url = `/api/users/${await makeUser(one, `contested-${round}`)}`;
      await t.test(`One change with If-Match succeeds (${round})`, async (t) => {
        meet(t, [one, other], round);
        const ifMatch = { 'if-match': '"1"' };
        const responses = await Promise.all([
          chief.request('PATCH', url, { name: 'one' }, ifMatch),
          elsewhere.request('PATCH', url, { name: 'other' }, ifMatch),
        ]);
        t.strictSame(statuses(responses), [200, 412]);
        const winner = responses.find(({ statusCode }) => statusCode === 200)?.json();
        t.match((await chief.request('GET', url)).json(), { name: winner.name });
      });
    }
  });

  const ends = [
    { what: 'Disabling', method: 'PATCH', payload: { active: false } },
    { what: 'Deleting', method: 'DELETE', payload: undefined },
  ];
  for (const { what, method, payload } of ends) {
    t.test(`${what} a user during their sign-in leaves no valid session`, async (t) => {
      for (const round of ROUNDS) {
        const name = `${what}-${round}`;
        const id = await makeUser(one, name);
        await t.test(`${what} a user leaves no valid session (${round})`, async (t) => {
          meet(t, [one, other], round);
          const client = new Client(one);
          const [signIn, end] = await Promise.all([
            client.signIn(name),
            elsewhere.request(method, `/api/users/${id}`, payload),
          ]);
          t.match(end.statusCode, /^20[04]$/);
          t.match(signIn.statusCode, /^(200|401)$/);
          t.strictSame(await rows(id), []);
          if (method === 'PATCH') await elsewhere.request('PATCH', `/api/users/${id}`, { active: true });
          t.equal((await client.request('GET', '/api/sign')).statusCode, 401);
        });
      }
    });
  }

  t.test('Changing a password ends a concurrent sign-in with the old one', async (t) => {
    for (const round of ROUNDS) {
      const name = `changing-${round}`;
      const id = await makeUser(one, name);
      const present = await signedIn(other, name);
      await t.test(`The old password leaves no valid session (${round})`, async (t) => {
        meet(t, [one, other], round);
        const thief = new Client(one);
        const [signIn, change] = await Promise.all([
          thief.signIn(name),
          present.request('PUT', `/api/users/${id}/password`, { current: PASSWORD, password: NEW }),
        ]);
        t.equal(change.statusCode, 204);
        t.match(signIn.statusCode, /^(200|401)$/);
        t.equal((await rows(id)).length, 1);
        t.equal((await present.request('GET', '/api/sign')).statusCode, 200);
        t.equal((await thief.request('GET', '/api/sign')).statusCode, 401);
      });
    }
  });

  t.test('Using a reset code ends a concurrent sign-in with the old password', async (t) => {
    for (const round of ROUNDS) {
      const name = `resetting-${round}`;
      const id = await makeUser(one, name);
      const { code } = (await chief.request('POST', `/api/users/${id}/reset`)).json();
      await t.test(`The reset leaves no valid session (${round})`, async (t) => {
        meet(t, [one, other], round);
        const [signIn, reset] = await Promise.all([
          new Client(one).signIn(name),
          new Client(other).request('POST', '/api/sign/reset', { code, password: NEW }),
        ]);
        t.equal(reset.statusCode, 204);
        t.match(signIn.statusCode, /^(200|401)$/);
        t.strictSame(await rows(id), []);
      });
    }
  });
}

async function countTogether(t: Test, engine: TestEngine): Promise<void> {
  const [one, other] = await startTwo(t, engine);
  await makeUser(one, 'ann');

  t.test('Thirty wrong passwords at once count as five attempts and record throttling once', async (t) => {
    const responses = await Promise.all(
      Array.from({ length: 30 }, (_, n) => new Client(n % 2 ? one : other).signIn('ann', 'wrong')),
    );
    t.strictSame(statuses(responses), [...Array(5).fill(401), ...Array(25).fill(429)]);
    t.equal((await new Client(one).signIn('ann')).statusCode, 429, 'the right password is throttled');
    const entries = await one.db.audit.page({ event: 'throttled' }, '', 'g', 100);
    t.equal(entries.length, 1);
  });
}

/** A user who holds every permission through a group of their own. */
interface Administrator {
  id: string;
  group: string;
  client: Client;
}

async function keepLastAdministrator(t: Test, engine: TestEngine): Promise<void> {
  const [one, other] = await startTwo(t, engine);
  const ways = [
    {
      by: 'disabling each other',
      act: ({ client }: Administrator, rival: Administrator) =>
        client.request('PATCH', `/api/users/${rival.id}`, { active: false }),
    },
    {
      by: 'deleting each other',
      act: ({ client }: Administrator, rival: Administrator) =>
        client.request('DELETE', `/api/users/${rival.id}`),
    },
    {
      by: 'leaving their groups',
      act: ({ client, id, group }: Administrator) =>
        client.request('DELETE', `/api/groups/${group}/members/${id}`),
    },
    {
      by: 'deleting their groups',
      act: ({ client, group }: Administrator) => client.request('DELETE', `/api/groups/${group}`),
    },
    {
      by: 'removing * from their groups',
      act: ({ client, group }: Administrator) =>
        client.request('PATCH', `/api/groups/${group}`, { permissions: [] }),
    },
  ];
  const makeAdministrator = async (app: App, name: string): Promise<Administrator> => {
    const id = await makeUser(app, name);
    const group = randomUUIDv7();
    const now = Date.now();
    await app.db.atomically([
      ...app.db.groups.add({ id: group, name, title: '', permissions: ['*'] }, now),
      app.db.memberships.add({ groupId: group, userId: id, role: 'manager' }, now),
    ]);
    return { id, group, client: await signedIn(app, name) };
  };
  for (const [index, { by, act }] of ways.entries()) {
    for (const round of ROUNDS) {
      t.test(`One of two administrators remains after ${by} at once (${round})`, async (t) => {
        const administrators = [
          await makeAdministrator(one, `first-${index}-${round}`),
          await makeAdministrator(other, `second-${index}-${round}`),
        ];
        const [first, second] = administrators;
        if (!first || !second) throw new Error('Two administrators were created.');
        meet(t, [one, other], round);
        const responses = await Promise.all([act(first, second), act(second, first)]);
        t.equal(responses.filter(({ statusCode }) => statusCode < 300).length, 1);
        t.ok(await hasAdministrator(one.db));
        // The next round starts without administrators.
        for (const { group } of administrators) {
          const row = await one.db.groups.find(group);
          if (row) await one.db.atomically([one.db.groups.remove(row)]);
        }
      });
    }
  }
}

/** The tests, by their names. */
export const MEETINGS = {
  'Concurrent requests to two instances stay consistent': stayConsistent,
  'Concurrent wrong passwords are throttled': countTogether,
  'Concurrent requests cannot remove the last administrator': keepLastAdministrator,
};
