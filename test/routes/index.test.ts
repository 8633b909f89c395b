/** The index route, and the answers to unknown routes and methods. */
import { onEachEngine } from '../support/engines.ts';
import { Client, startService } from '../support/service.ts';

onEachEngine('The index and unknown routes are answered without credentials', async (t, engine) => {
  const { app } = await startService(t, engine);
  const client = new Client(app);

  t.test('GET / returns the name, the version and the links to the blueprints', async (t) => {
    const response = await client.request('GET', '/');
    t.equal(response.statusCode, 200);
    t.match(response.json(), {
      name: 'rollcall',
      version: /^\d+\.\d+\.\d+$/,
      links: { users: '/api/users', groups: '/api/groups', sign: '/api/sign' },
    });
    t.notOk(response.headers['set-cookie'], 'an anonymous request sets no cookie');
  });

  t.test('An unknown path answers 404 with a problem document', async (t) => {
    const response = await client.request('GET', '/nowhere');
    t.equal(response.statusCode, 404);
    t.match(response.headers['content-type'], 'application/problem+json');
    t.match(response.json(), { status: 404, title: 'Not Found', requestId: /./ });
  });

  t.test('An unsupported method answers 405 with an Allow header', async (t) => {
    const response = await client.request('DELETE', '/api/users');
    t.equal(response.statusCode, 405);
    t.equal(response.headers.allow, 'GET, HEAD, POST, OPTIONS');
  });

  t.test('OPTIONS answers 204 without credentials', async (t) => {
    const response = await client.request('OPTIONS', '/api/users');
    t.equal(response.statusCode, 204);
    t.equal(response.headers.allow, 'GET, HEAD, POST, OPTIONS');
  });
});
