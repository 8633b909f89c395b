import { onEachEngine } from './support/engines.ts';
import { Client, startService } from './support/service.ts';

onEachEngine('the index', async (t, engine) => {
  const { app } = await startService(t, engine);
  const client = new Client(app);

  t.test('says what this is and where the blueprints begin', async (t) => {
    const response = await client.request('GET', '/');
    t.equal(response.statusCode, 200);
    t.match(response.json(), {
      name: 'rollcall',
      version: /^\d+\.\d+\.\d+$/,
      links: { users: '/api/users', groups: '/api/groups', sign: '/api/sign' },
    });
    t.notOk(response.headers['set-cookie'], 'no cookie for whoever only looks');
  });

  t.test('what is not there is a 404 problem', async (t) => {
    const response = await client.request('GET', '/nowhere');
    t.equal(response.statusCode, 404);
    t.match(response.headers['content-type'], 'application/problem+json');
    t.match(response.json(), { status: 404, title: 'Not Found', requestId: /./ });
  });

  t.test('a method that is not possible is a 405 problem that names the others', async (t) => {
    const response = await client.request('DELETE', '/api/users');
    t.equal(response.statusCode, 405);
    t.equal(response.headers.allow, 'GET, HEAD, POST, OPTIONS');
  });

  t.test('OPTIONS is answered without credentials', async (t) => {
    const response = await client.request('OPTIONS', '/api/users');
    t.equal(response.statusCode, 204);
    t.equal(response.headers.allow, 'GET, HEAD, POST, OPTIONS');
  });
});
