/** Bodies are JSON as it is: the service decodes none, since a small one could become huge. */
import { onEachEngine } from '../../support/engines.ts';
import { Client, makeUser, quickHashing, signedIn, startService } from '../../support/service.ts';

onEachEngine('A body in a content coding is refused', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  const client = await signedIn(app, 'chief');
  const create = (name: string, encoding: string) =>
    client.request('POST', '/api/groups', JSON.stringify({ name }), {
      'content-type': 'application/json',
      'content-encoding': encoding,
    });
  for (const encoding of ['gzip', 'br', 'x-gzip', 'gzip, identity', 'identity, identity', '*', '']) {
    t.test(`Content-Encoding: ${encoding} is refused with 415`, async (t) => {
      const response = await create('compressed', encoding);
      t.equal(response.statusCode, 415);
      t.equal(response.headers['accept-encoding'], 'identity');
      t.match(response.json(), {
        type: 'urn:rollcall:problem:content-encoding',
        detail: /without Content-Encoding/,
      });
      t.equal(await app.db.groups.findByName('compressed'), undefined);
    });
  }
  t.test('Content-Encoding: identity is no coding', async (t) => {
    t.equal((await create('plain', 'Identity')).statusCode, 201);
    t.equal(
      (await new Client(app).request('GET', '/', undefined, { 'content-encoding': 'gzip' })).statusCode,
      200,
    );
  });
});
