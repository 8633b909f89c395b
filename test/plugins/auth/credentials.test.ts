/**
 * A request loader can authenticate by delegated credentials of another kind than API tokens. The kind is registered, so that a change
 * is refused once the credential has ended.
 */
import { randomUUIDv7 } from 'node:crypto';
import { registerCredentials } from '../../../accounts/credentials.ts';
import { onEachEngine } from '../../support/engines.ts';
import { Client, makeUser, quickHashing, startService } from '../../support/service.ts';

/** The scopes of those that live, by their ids, of both engines. */
const living = new Map<string, string[]>();

// It lives while the row of the user of the same id is there, and while it is in the list.
registerCredentials('ticket', {
  name: 'tickets',
  isAlive: (db, id) => db.users.isActive(id),
  scopesOf: async (_db, id) => living.get(id),
  endRestored: async () => {},
});

onEachEngine('A credential of another kind than tokens', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  const ann = await makeUser(app, 'ann', { admin: true });
  const bob = await makeUser(app, 'bob');
  const user = { id: ann, username: 'ann', active: true };
  app.addRequestLoader('ticket', async ({ headers }) => {
    const id = String(headers['x-ticket'] ?? '');
    const scopes = living.get(id);
    return scopes && { ...user, credential: { id, scopes } };
  });
  app.addRequestLoader('unheard-of', async ({ headers }) =>
    headers['x-unheard'] ? { ...user, credential: { id: randomUUIDv7(), scopes: [] } } : undefined,
  );
  const client = new Client(app);
  const by = (ticket: string) => ({ 'x-ticket': ticket });

  t.test('It acts by its scopes alone', async (t) => {
    living.set(bob, ['users:write']);
    const who = await client.request('GET', '/api/sign', undefined, by(bob));
    t.match(who.json(), { via: 'ticket', permissions: ['users:write'] });
    t.equal((await client.request('POST', '/api/users', { username: 'cem' }, by(bob))).statusCode, 201);
    const lacking = await client.request('POST', '/api/groups', { name: 'new' }, by(bob));
    t.match(lacking.json(), { status: 403, type: 'urn:rollcall:problem:insufficient-scope' });
    t.equal((await client.request('PATCH', `/api/users/${ann}`, { name: 'x' }, by(bob))).statusCode, 403);
  });

  t.test('A code that it issued works while it lives and has the scope', async (t) => {
    const codeOf = async (username: string) =>
      (await client.request('POST', '/api/users', { username }, by(bob))).json().reset.code;
    const use = async (code: string) =>
      (await client.request('POST', '/api/sign/reset', { code, password: 'correct horse' })).statusCode;
    const codes = [await codeOf('dan'), await codeOf('eve'), await codeOf('fay'), await codeOf('gus')];
    const [first = '', second = '', third = '', fourth = ''] = codes;
    t.equal(await use(first), 204);
    living.set(bob, ['groups:write']);
    t.equal(await use(second), 400, 'it has not the scope any more');
    living.delete(bob);
    t.equal(await use(third), 400, 'it has ended');
    living.set(bob, ['users:write']);
    await app.db.atomically([app.db.users.change({ ...BOB, id: bob }, Date.now())]);
    t.equal(await use(fourth), 400, 'its condition does not hold');
  });

  t.test('A change is refused when it ends while the request runs', async (t) => {
    const response = await client.request('POST', '/api/users', { username: 'hal' }, by(bob));
    t.equal(response.statusCode, 401);
  });

  t.test('A loader whose credentials nobody has registered is refused', async (t) => {
    const response = await client.request('GET', '/api/sign', undefined, { 'x-unheard': '1' });
    t.equal(response.statusCode, 500);
    t.throws(
      () =>
        registerCredentials('ticket', {
          isAlive: (db, id) => db.users.isActive(id),
          name: 'tickets',
          scopesOf: async () => [],
          endRestored: async () => {},
        }),
      /There are credentials of the method ticket already/,
    );
  });
});

/** bob, disabled. */
const BOB = { version: 1, username: 'bob', name: '', email: null, pendingEmail: null, active: false };
