/**
 * Several processes on one database behave as one service: a server with two workers, and a second server that stands for
 * another host. A change in one process takes effect in the others at once.
 */
import { makeSecret } from '../../../config/secret.ts';
import { Caller, makeDatabaseWith, PASSWORD } from '../../support/api.ts';
import { commandsOn } from '../../support/commands.ts';
import { onEachEngine } from '../../support/engines.ts';
import { startServer } from '../../support/processes.ts';
import { askBothWorkers } from '../../support/workers.ts';

onEachEngine('Several processes on one database behave as one service', async (t, engine) => {
  const DATABASE_URL = await engine.makeDatabase(t);
  const [old, fresh] = [makeSecret(), makeSecret()];
  const start = (SECRET_KEY: string, WORKERS: string) =>
    startServer(t, {
      environment: { DATABASE_URL, SECRET_KEY, WORKERS, AUTO_MIGRATE: 'true', LOG_LEVEL: 'debug' },
    });
  const starting = [start(old, '2'), start(old, '1')];
  const [workers, host] = await Promise.all(starting);
  if (!workers || !host) throw new Error('Two servers were started.');
  const migrated = [workers, host].filter(({ output }) => output.stdout.includes('brought up to date by'));
  t.equal(migrated.length, 1, 'of two services that start at once on an empty database, one migrates it');
  await makeDatabaseWith(DATABASE_URL, 'ann');

  /** Signs in at that server. @returns the caller, and a thief with a copy of the cookie. */
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

  await t.test('A signed-out cookie is refused by another worker and host at once (case 20)', async (t) => {
    const { caller, thief } = await signedInAt(workers);
    t.equal(await signOut(caller, workers), 204);
    t.equal(caller.cookie, '');
    t.equal(await whoami(thief, host), 401);
    t.same(await askBothWorkers(workers, thief), [401]);
  });

  await t.test(
    'A session of one process works in the others, and signing out ends it in all (case 29)',
    async (t) => {
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
    },
  );

  await t.test(
    'A cached session or token that another process ends is refused at once (case 20)',
    async (t) => {
      const manage = commandsOn(DATABASE_URL);
      /** Calls each process often enough to fill its cache of the caller. */
      const fillCaches = async (caller: Caller) => {
        for (let count = 0; count < 3; count++) {
          t.same(await askBothWorkers(workers, caller), [200]);
          t.equal(await whoami(caller, host), 200);
        }
      };
      const expectRefused = async (caller: Caller, cause: string) => {
        t.equal(await whoami(caller, host), 401, `the other host refuses it ${cause}`);
        t.same(await askBothWorkers(workers, caller), [401], `both workers refuse it ${cause}`);
      };

      const { caller, thief } = await signedInAt(workers);
      await fillCaches(thief);
      t.equal(await signOut(caller, workers), 204);
      await expectRefused(thief, 'after sign-out at a worker');

      const ended = await signedInAt(host);
      await fillCaches(ended.thief);
      t.equal((await manage(['session', 'end', 'ann'])).code, 0);
      await expectRefused(ended.thief, 'after the command ended the session');

      const token = new Caller();
      const made = await (await signedInAt(host)).caller.request(host.url, '/api/tokens', {
        method: 'POST',
        body: { name: 'cached', scopes: [] },
      });
      const { id, secret } = JSON.parse(await made.text());
      token.authorization = `Bearer ${secret}`;
      await fillCaches(token);
      t.equal((await manage(['token', 'end', 'ann', id])).code, 0);
      await expectRefused(token, 'after the command ended the token');
    },
  );

  await t.test('Wrong passwords at one host and at another are counted together', async (t) => {
    const at = ({ url }: { url: string }) => new Caller().signIn(url, 'no-such-name', 'a wrong password');
    const statuses: number[] = [];
    for (const server of [host, workers, host, workers, host, workers, host]) statuses.push(await at(server));
    t.strictSame(statuses, [401, 401, 401, 401, 401, 429, 429]);
  });

  await t.test('A permission that a command removes is refused by every process at once', async (t) => {
    const manage = commandsOn(DATABASE_URL);
    const { caller: ann } = await signedInAt(workers);
    const body = { username: 'bob', password: PASSWORD };
    t.equal(await ann.status(workers.url, '/api/users', { method: 'POST', body }), 201);
    const bob = new Caller();
    t.equal(await bob.signIn(workers.url, 'bob'), 200);
    /** Calls each process often enough to fill its cache of the permissions. */
    const statuses = async () => {
      const seen = new Set<number>();
      for (let count = 0; count < 3; count++) {
        for (const status of await askBothWorkers(workers, bob, '/api/audit')) seen.add(status);
        seen.add(await bob.status(host.url, '/api/audit'));
      }
      return [...seen];
    };
    const runCommand = async (...args: string[]) => t.equal((await manage(args)).code, 0, args.join(' '));
    await runCommand('group', 'create', 'auditors', '--permission', 'audit:read');
    t.same(await statuses(), [403]);
    await runCommand('group', 'add', 'auditors', 'bob');
    t.same(await statuses(), [401], 'who comes to hold more signs in again');
    t.equal(await bob.signIn(workers.url, 'bob'), 200);
    t.same(await statuses(), [200]);
    await runCommand('group', 'remove', 'auditors', 'bob');
    t.same(await statuses(), [403]);
  });

  await t.test(
    'A user who is changed or deleted in one process is read correctly in the others at once',
    async (t) => {
      const manage = commandsOn(DATABASE_URL);
      const { caller: ann } = await signedInAt(workers);
      const body = { username: 'eve', password: PASSWORD };
      const made = await ann.request(workers.url, '/api/users', { method: 'POST', body });
      const path = `/api/users/${JSON.parse(await made.text()).id}`;
      const nameSeenBy = async (caller: Caller) =>
        JSON.parse(await (await caller.request(host.url, path)).text()).name;
      const token = new Caller();
      const issued = await ann.request(workers.url, '/api/tokens', {
        method: 'POST',
        body: { name: 'new here', scopes: [] },
      });
      token.authorization = `Bearer ${JSON.parse(await issued.text()).secret}`;
      // The first use of a token is written. It happens at the workers, because a write would clear the cache of the host.
      t.equal(await token.status(workers.url, path), 200);
      // The host has not cached the token and this session, so it must load them together with the changed user.
      const session = (await signedInAt(workers)).caller;
      for (const [who, caller] of Object.entries({ ann, token, session })) {
        for (let count = 0; count < 3; count++) await nameSeenBy(ann);
        const body = { name: `changed for ${who}` };
        t.equal(await ann.status(workers.url, path, { method: 'PATCH', body }), 200);
        t.equal(await nameSeenBy(caller), body.name);
      }
      for (let count = 0; count < 3; count++) t.same(await askBothWorkers(workers, ann, path), [200]);
      t.equal((await manage(['user', 'delete', 'eve'])).code, 0);
      t.equal(await ann.status(host.url, path), 404, 'the user is deleted');
      t.same(await askBothWorkers(workers, ann, path), [404]);
    },
  );

  await t.test('Sessions survive a restart and a new first key (case 30)', async (t) => {
    const before = (await signedInAt(host)).caller;
    t.equal((await host.stop()).code, 0);
    const both = await start(`${fresh},${old}`, '1');
    t.equal(await whoami(before, both), 200, 'a cookie signed with the old key works');
    const after = (await signedInAt(both)).caller;
    t.equal(await whoami(after, both), 200);
    t.equal(await whoami(after, workers), 401, 'a process without the new key refuses new cookies');
    t.equal((await both.stop()).code, 0);

    const newOnly = await start(fresh, '1');
    t.equal(await whoami(after, newOnly), 200);
    t.equal(await whoami(before, newOnly), 401, 'a process without the old key refuses old cookies');
    t.equal(await whoami(before, workers), 200, 'a process with the old key accepts old cookies');
  });
});
