/** A password's hash that was made with other parameters is made anew at the next sign-in, for which nothing else changes. */
import { hash } from '@node-rs/argon2';
import { HASH_PREFIX } from '../../../accounts/passwords/hashing.ts';
import { makeId } from '../../../db/ids.ts';
import { onEachEngine } from '../../support/engines.ts';
import {
  Client,
  makeUser,
  PASSWORD,
  quickHashing,
  signedIn,
  startService,
  whoamiStatus,
} from '../../support/service.ts';

onEachEngine('A hash of other parameters is replaced when its user signs in', async (t, engine) => {
  const { app } = await startService(t, engine);
  const id = await makeUser(app, 'ann');
  const tab = await signedIn(app, 'ann');
  const fields = async () => (await tab.request('GET', `/api/users/${id}`)).headers.etag;
  const before = await fields();

  for (const parameters of [
    { memoryCost: 1024, timeCost: 2, parallelism: 1 },
    { memoryCost: 19 * 1024, timeCost: 3, parallelism: 1 },
    { memoryCost: 19 * 1024, timeCost: 2, parallelism: 2 },
    { memoryCost: 19 * 1024, timeCost: 2, parallelism: 1, algorithm: 1 },
  ]) {
    const old = await hash(PASSWORD, parameters);
    const current = (await app.db.users.passwordHash(id)) ?? '';
    await app.db.atomically([app.db.users.renewHash(id, current, old)]);

    t.equal((await new Client(app).signIn('ann', 'a wrong password')).statusCode, 401);
    t.equal(await app.db.users.passwordHash(id), old, 'a wrong password replaces nothing');

    t.equal((await new Client(app).signIn('ann')).statusCode, 200);
    const renewed = await app.db.users.passwordHash(id);
    t.ok(renewed?.startsWith(HASH_PREFIX), renewed ?? 'no hash');
    t.equal((await new Client(app).signIn('ann')).statusCode, 200, 'the new hash is of the same password');
    t.equal(await app.db.users.passwordHash(id), renewed, 'a current hash stays');
  }
  t.equal(await whoamiStatus(tab), 200, 'earlier sessions go on');
  t.equal(await fields(), before, 'the user has the same version');
});

onEachEngine(
  'A sign-in succeeds when another one replaces the hash of other parameters first',
  async (t, engine) => {
    const [old, ofOther] = [`old ${PASSWORD}`, `${HASH_PREFIX}other ${PASSWORD}`];
    let afterHash = async () => {};
    const hashing = {
      async hash(password: string) {
        await afterHash();
        return quickHashing.hash(password);
      },
      verify: async (hashed: string | null | undefined, password: string) =>
        [`old ${password}`, `${HASH_PREFIX}other ${password}`].includes(hashed ?? ''),
    };
    const { app } = await startService(t, engine, { hashing });
    const [id, now] = [makeId(), Date.now()];
    const user = { id, username: 'ann', name: '', email: null, active: true, passwordHash: old };
    await app.db.atomically([app.db.users.add(user, now)]);
    afterHash = async () => {
      await app.db.atomically([app.db.users.renewHash(id, old, ofOther)]);
    };
    t.equal((await new Client(app).signIn('ann')).statusCode, 200);
    t.equal(await app.db.users.passwordHash(id), ofOther);
  },
);
