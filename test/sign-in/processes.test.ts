/**
 * Real processes on one database are one service: a server with two workers, and another one beside it, which stands for
 * another host. What one of them knows the others know at once, since only the database remembers.
 */
import { makeSecret } from '../../config/secret.ts';
import { Caller, makeDatabaseWith, PASSWORD } from '../support/api.ts';
import { commandsOn } from '../support/commands.ts';
import { onEachEngine } from '../support/engines.ts';
import { startServer } from '../support/processes.ts';
import { askBothWorkers } from '../support/workers.ts';

onEachEngine('several processes', async (t, engine) => {
  const DATABASE_URL = await engine.makeDatabase(t);
  await makeDatabaseWith(DATABASE_URL, 'ann');
  const [old, fresh] = [makeSecret(), makeSecret()];
  const start = (SECRET_KEY: string, WORKERS: string) =>
    startServer(t, { environment: { DATABASE_URL, SECRET_KEY, WORKERS, LOG_LEVEL: 'debug' } });
  const starting = [start(old, '2'), start(old, '1')];
  const [workers, host] = await Promise.all(starting);
  if (!workers || !host) throw new Error('two were started');

  /** Signs in at one. @returns the caller, and another one with the same cookie, as it was then. */
  async function signedInAt({ url }: { url: string }) {
    const caller = new Caller();
    t.equal(await caller.signIn(url, 'ann'), 200);
    const thief = new Caller();
    thief.cookie = caller.cookie;
    return { caller, thief };
  }
  const signOut = (caller: Caller, { url }: { url: string }) =>
    caller.status(url, '/api/sign/out', { method: 'POST' });
  const whoami = ({ cookie, authorization }: Caller, { url }: { url: string }) => {
    const caller = new Caller();
    caller.cookie = cookie;
    caller.authorization = authorization;
    return caller.status(url, '/api/sign');
  };

  await t.test(
    'case 20: signed out: the old cookie is refused by another worker and host at once',
    async (t) => {
      const { caller, thief } = await signedInAt(workers);
      t.equal(await signOut(caller, workers), 204);
      t.equal(caller.cookie, '');
      t.equal(await whoami(thief, host), 401);
      t.same(await askBothWorkers(workers, thief), [401]);
    },
  );

  await t.test('case 29: signed in on one, known on the other, out on either, gone on both', async (t) => {
    for (const [here, there] of [
      [workers, host],
      [host, workers],
    ] as const) {
      const { caller, thief } = await signedInAt(here);
      t.same(await askBothWorkers(workers, caller), [200]);
      t.equal(await whoami(caller, host), 200);
      t.equal(await signOut(caller, there), 204);
      t.same(await askBothWorkers(workers, thief), [401]);
      t.equal(await whoami(thief, host), 401);
    }
  });

  await t.test('case 20: asked for again and again, and then ended elsewhere: refused at once', async (t) => {
    const manage = commandsOn(DATABASE_URL);
    /** Asks each process so often that it would know by heart who it is. */
    const learnt = async (caller: Caller) => {
      for (let asked = 0; asked < 3; asked++) {
        t.same(await askBothWorkers(workers, caller), [200]);
        t.equal(await whoami(caller, host), 200);
      }
    };
    const refused = async (caller: Caller, by: string) => {
      t.equal(await whoami(caller, host), 401, `another host, ${by}`);
      t.same(await askBothWorkers(workers, caller), [401], `both workers, ${by}`);
    };

    const { caller, thief } = await signedInAt(workers);
    await learnt(thief);
    t.equal(await signOut(caller, workers), 204);
    await refused(thief, 'after signing out at a worker');

    const ended = await signedInAt(host);
    await learnt(ended.thief);
    t.equal((await manage(['session', 'end', 'ann'])).code, 0);
    await refused(ended.thief, 'after the operator has ended it');

    const token = new Caller();
    const made = await (await signedInAt(host)).caller.request(host.url, '/api/tokens', {
      method: 'POST',
      body: { name: 'learnt', scopes: [] },
    });
    const { id, secret } = JSON.parse(await made.text());
    token.authorization = `Bearer ${secret}`;
    await learnt(token);
    t.equal((await manage(['token', 'end', 'ann', id])).code, 0);
    await refused(token, 'after its token was ended');
  });

  await t.test('a permission that is taken, by whomever, is gone for every process at once', async (t) => {
    const manage = commandsOn(DATABASE_URL);
    const { caller: ann } = await signedInAt(workers);
    const body = { username: 'bob', password: PASSWORD };
    t.equal(await ann.status(workers.url, '/api/users', { method: 'POST', body }), 201);
    const bob = new Caller();
    t.equal(await bob.signIn(workers.url, 'bob'), 200);
    /** Asks each process so often that it would know by heart what he may do. */
    const statuses = async () => {
      const seen = new Set<number>();
      for (let asked = 0; asked < 3; asked++) {
        for (const status of await askBothWorkers(workers, bob, '/api/audit')) seen.add(status);
        seen.add(await bob.status(host.url, '/api/audit'));
      }
      return [...seen];
    };
    const manages = async (...args: string[]) => t.equal((await manage(args)).code, 0, args.join(' '));
    await manages('group', 'create', 'auditors', '--permission', 'audit:read');
    t.same(await statuses(), [403]);
    await manages('group', 'add', 'auditors', 'bob');
    t.same(await statuses(), [200]);
    await manages('group', 'remove', 'auditors', 'bob');
    t.same(await statuses(), [403]);
  });

  await t.test(
    'a user who is changed or removed elsewhere is read as they are, or not, at once',
    async (t) => {
      const manage = commandsOn(DATABASE_URL);
      const { caller: ann } = await signedInAt(workers);
      const body = { username: 'eve', password: PASSWORD };
      const made = await ann.request(workers.url, '/api/users', { method: 'POST', body });
      const path = `/api/users/${JSON.parse(await made.text()).id}`;
      const nameFor = async (caller: Caller) =>
        JSON.parse(await (await caller.request(host.url, path)).text()).name;
      const token = new Caller();
      const issued = await ann.request(workers.url, '/api/tokens', {
        method: 'POST',
        body: { name: 'new here', scopes: [] },
      });
      token.authorization = `Bearer ${JSON.parse(await issued.text()).secret}`;
      // The first time that a token is used is written down. That is done elsewhere: a write of its own would have the host forget.
      t.equal(await token.status(workers.url, path), 200);
      // Of these the host knows nothing: it has to read who they are, and has not looked yet whether eve has changed.
      const session = (await signedInAt(workers)).caller;
      for (const [who, caller] of Object.entries({ ann, token, session })) {
        for (let asked = 0; asked < 3; asked++) await nameFor(ann);
        const body = { name: `changed for ${who}` };
        t.equal(await ann.status(workers.url, path, { method: 'PATCH', body }), 200);
        t.equal(await nameFor(caller), body.name);
      }
      for (let asked = 0; asked < 3; asked++) t.same(await askBothWorkers(workers, ann, path), [200]);
      t.equal((await manage(['user', 'delete', 'eve'])).code, 0);
      t.equal(await ann.status(host.url, path), 404, 'removed by command');
      t.same(await askBothWorkers(workers, ann, path), [404]);
    },
  );

  await t.test('case 30: sessions live on after a restart, and with a new first key', async (t) => {
    const before = (await signedInAt(host)).caller;
    t.equal((await host.stop()).code, 0);
    const both = await start(`${fresh},${old}`, '1');
    t.equal(await whoami(before, both), 200, 'it was signed by the old key');
    const after = (await signedInAt(both)).caller;
    t.equal(await whoami(after, both), 200);
    t.equal(await whoami(after, workers), 401, 'new cookies are signed by the new key');
    t.equal((await both.stop()).code, 0);

    const newOnly = await start(fresh, '1');
    t.equal(await whoami(after, newOnly), 200);
    t.equal(await whoami(before, newOnly), 401, 'the old key is gone, and what it signed is refused');
    t.equal(await whoami(before, workers), 200, 'who has it still knows it');
  });
});
