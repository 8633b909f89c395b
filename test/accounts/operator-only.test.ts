/** Rules that only commands use refuse whoever is not the operator, should a route ever call them. */
import { MissingPermissionError, OwnPasswordError } from '../../accounts/errors.ts';
import { createAdministrator } from '../../accounts/first-administrator.ts';
import { setPassword } from '../../accounts/passwords.ts';
import { operator } from '../../manage/operator.ts';
import { onEachEngine } from '../support/engines.ts';
import { makeUser, quickHashing, startService } from '../support/service.ts';

onEachEngine('Rules of the operator refuse a user who holds every permission', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  const chief = { id: await makeUser(app, 'chief', { admin: true }), username: 'chief' };
  const ann = await makeUser(app, 'ann');
  const actor = { ...operator, kind: 'user', user: chief, method: 'session' } as const;
  const before = await app.db.users.passwordHash(ann);

  await t.rejects(setPassword(app.db, actor, ann, 'a hash'), OwnPasswordError);
  t.equal(await app.db.users.passwordHash(ann), before);

  const bob = { username: 'bob', name: '', email: null, active: true, passwordHash: 'a hash' };
  await t.rejects(createAdministrator(app.db, actor, bob), MissingPermissionError);
  t.equal(await app.db.users.findCredentials('bob'), undefined);
});
