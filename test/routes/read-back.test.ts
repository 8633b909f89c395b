/** A change that was made is not denied, even if the database goes away before it can be shown. */
import { DatabaseUnavailableError } from '../../db/engine.ts';
import { onEachEngine } from '../support/engines.ts';
import { makeUser, signedIn, startService } from '../support/service.ts';

onEachEngine('a change whose answer can not be read back', async (t, engine) => {
  const { app } = await startService(t, engine);
  await makeUser(app, 'chief', { admin: true });
  const admin = await signedIn(app, 'chief');

  t.test('is told as made', async (t) => {
    const find = t.capture(app.db.users, 'find', async () => {
      throw new DatabaseUnavailableError('away');
    });
    const payload = { username: 'ann', password: 'correct horse' };
    const response = await admin.request('POST', '/api/users', payload);
    find.restore();
    t.equal(response.statusCode, 503);
    t.equal(response.headers['retry-after'], '1');
    t.match(response.json().detail, /^The change was made/);
    t.ok(await app.db.users.findCredentials('ann'), 'and it was');
  });
});
