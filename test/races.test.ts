/**
 * What must hold when two do something at the same moment, here at two instances of the service on one database. They
 * are brought to wait for each other just before they write, so that they really meet.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { LightMyRequestResponse } from 'fastify';
import type { App } from '../app.ts';
import { hasAdministrator } from './support/administrators.ts';
import { onEachEngine } from './support/engines.ts';
import { meet, ROUNDS, startTwo } from './support/meeting.ts';
import { Client, makeUser, PASSWORD, signedIn } from './support/service.ts';

const NEW = 'a password that is new';
function statuses(responses: LightMyRequestResponse[]): number[] {
  return responses.map(({ statusCode }) => statusCode).sort();
}

onEachEngine('at the same moment', async (t, engine) => {
  const [one, other] = await startTwo(t, engine);
  await makeUser(one, 'chief', { admin: true });
  const chief = await signedIn(one, 'chief');
  const elsewhere = await signedIn(other, 'chief');
  const rows = (id: string) => one.db.sessions.page(id, '', 100, 0);

  t.test('the same username made twice: one 201 and one 409', async (t) => {
    for (const round of ROUNDS) {
      await t.test(round, async (t) => {
        meet(t, [one, other], round);
        const responses = await Promise.all([
          chief.request('POST', '/api/users', { username: `twin-${round}` }),
          elsewhere.request('POST', '/api/users', { username: `TWIN-${round}` }),
        ]);
        t.strictSame(statuses(responses), [201, 409]);
      });
    }
  });

  t.test('one code used twice: it works once', async (t) => {
    for (const round of ROUNDS) {
      const name = `forgetful-${round}`;
      const id = await makeUser(one, name);
      const { code } = (await chief.request('POST', `/api/users/${id}/reset`)).json();
      await t.test(round, async (t) => {
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

  t.test('two edits with If-Match: one wins', async (t) => {
    for (const round of ROUNDS) {
      const url = `/api/users/${await makeUser(one, `contested-${round}`)}`;
      await t.test(round, async (t) => {
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
    { what: 'disabling', method: 'PATCH', payload: { active: false } },
    { what: 'deleting', method: 'DELETE', payload: undefined },
  ];
  for (const { what, method, payload } of ends) {
    t.test(`${what} a user while they sign in: no living session is left`, async (t) => {
      for (const round of ROUNDS) {
        const name = `${what}-${round}`;
        const id = await makeUser(one, name);
        await t.test(round, async (t) => {
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

  t.test('changing a password while they sign in with the old one: no living session is left', async (t) => {
    for (const round of ROUNDS) {
      const name = `changing-${round}`;
      const id = await makeUser(one, name);
      const present = await signedIn(other, name);
      await t.test(round, async (t) => {
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

  t.test('using a code while they sign in with the old password: no living session is left', async (t) => {
    for (const round of ROUNDS) {
      const name = `resetting-${round}`;
      const id = await makeUser(one, name);
      const { code } = (await chief.request('POST', `/api/users/${id}/reset`)).json();
      await t.test(round, async (t) => {
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
});

onEachEngine('thirty wrong passwords at once', async (t, engine) => {
  const [one, other] = await startTwo(t, engine);
  await makeUser(one, 'ann');

  t.test('are ten tries, and told of once as too many', async (t) => {
    const responses = await Promise.all(
      Array.from({ length: 30 }, (_, n) => new Client(n % 2 ? one : other).signIn('ann', 'wrong')),
    );
    t.strictSame(statuses(responses), [...Array(10).fill(401), ...Array(20).fill(429)]);
    t.equal((await new Client(one).signIn('ann')).statusCode, 429, 'the right one comes too late');
    const entries = await one.db.audit.page({ event: 'throttled' }, '', 'g', 100);
    t.equal(entries.length, 1);
  });
});

/** Somebody who holds every permission, by a group of their own. */
interface Holder {
  id: string;
  group: string;
  client: Client;
}

onEachEngine('the last administrator', async (t, engine) => {
  const [one, other] = await startTwo(t, engine);
  const ways = [
    {
      by: 'disabling each other',
      act: ({ client }: Holder, rival: Holder) =>
        client.request('PATCH', `/api/users/${rival.id}`, { active: false }),
    },
    {
      by: 'deleting each other',
      act: ({ client }: Holder, rival: Holder) => client.request('DELETE', `/api/users/${rival.id}`),
    },
    {
      by: 'leaving',
      act: ({ client, id, group }: Holder) => client.request('DELETE', `/api/groups/${group}/members/${id}`),
    },
    {
      by: 'removing their groups',
      act: ({ client, group }: Holder) => client.request('DELETE', `/api/groups/${group}`),
    },
    {
      by: 'taking * from their groups',
      act: ({ client, group }: Holder) =>
        client.request('PATCH', `/api/groups/${group}`, { permissions: [] }),
    },
  ];
  const makeHolder = async (app: App, name: string): Promise<Holder> => {
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
      t.test(`is not lost by ${by}: ${round}`, async (t) => {
        const holders = [
          await makeHolder(one, `first-${index}-${round}`),
          await makeHolder(other, `second-${index}-${round}`),
        ];
        const [first, second] = holders;
        if (!first || !second) throw new Error('two were made');
        meet(t, [one, other], round);
        const responses = await Promise.all([act(first, second), act(second, first)]);
        t.equal(responses.filter(({ statusCode }) => statusCode < 300).length, 1);
        t.ok(await hasAdministrator(one.db));
        // The next round begins with nobody who holds it.
        for (const { group } of holders) {
          const row = await one.db.groups.find(group);
          if (row) await one.db.atomically([one.db.groups.remove(row)]);
        }
      });
    }
  }
});
