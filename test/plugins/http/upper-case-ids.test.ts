/** An id in upper case is the same id (RFC 9562, section 4), in every path and every query. */
import { onEachEngine } from '../../support/engines.ts';
import { addToken, hasTokens, newToken } from '../../support/optional.ts';
import { makeUser, quickHashing, signedIn, startService } from '../../support/service.ts';

onEachEngine('An id in upper case is taken as the same id', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  const admin = await signedIn(app, 'chief');
  const ann = await makeUser(app, 'ann');
  const client = await signedIn(app, 'ann');
  const group = (await admin.request('POST', '/api/groups', { name: 'readers' })).json().id;
  const token = newToken(ann, []);
  await app.db.atomically(addToken(app.db, token, Date.now()));
  const session = (await (await signedIn(app, 'ann')).request('GET', '/api/sign')).json().session.id;
  const member = `/api/groups/${group}/members/${ann}`;

  const cases = [
    { by: admin, method: 'GET', url: `/api/users/${ann}`, status: 200 },
    { by: admin, method: 'HEAD', url: `/api/users/${ann}`, status: 200 },
    { by: admin, method: 'PUT', url: member, body: { role: 'manager' }, status: 200 },
    { by: client, method: 'PUT', url: member, body: { role: 'manager' }, status: 200 },
    { by: client, method: 'GET', url: `/api/groups/${group}/members?after=${ann}`, status: 200 },
    { by: client, method: 'PATCH', url: `/api/users/${ann}`, body: { name: 'Ann' }, status: 200 },
    { by: admin, method: 'GET', url: `/api/users?after=${ann}`, status: 200 },
    { by: admin, method: 'GET', url: `/api/users?group=${group}`, status: 200 },
    { by: admin, method: 'GET', url: `/api/users?q=ann&group=${group}`, status: 200 },
    { by: admin, method: 'GET', url: `/api/audit?actor=${ann}&target=${ann}&after=${group}`, status: 200 },
    { by: admin, method: 'GET', url: `/api/users/${ann}/groups?after=${group}`, status: 200 },
    { by: admin, method: 'PATCH', url: `/api/groups/${group}`, body: { title: 'R' }, status: 200 },
    { by: client, method: 'DELETE', url: `/api/sessions/${session}`, status: 204 },
    ...(hasTokens ? [{ by: client, method: 'DELETE', url: `/api/tokens/${token.id}`, status: 204 }] : []),
    { by: client, method: 'DELETE', url: member, status: 204 },
    { by: admin, method: 'POST', url: `/api/users/${ann}/reset`, status: 201 },
    { by: admin, method: 'DELETE', url: `/api/groups/${group}`, status: 204 },
    { by: admin, method: 'DELETE', url: `/api/users/${ann}`, status: 204 },
  ];
  for (const { by, method, url, body, status } of cases) {
    const shouted = url.replaceAll(/[0-9a-f-]{36}/g, (id) => id.toUpperCase());
    t.test(`${method} ${url.replaceAll(/[0-9a-f-]{36}/g, '…')} answers ${status}`, async (t) => {
      const reading = /GET|HEAD/.test(method);
      const expected = reading ? await by.request(method, url) : undefined;
      const response = await by.request(method, shouted, body);
      t.equal(response.statusCode, status, response.payload);
      if (expected) t.equal(response.payload, expected.payload, 'the same answer');
      else t.notMatch(response.payload, /[0-9A-F]{8}-[0-9A-F]{4}-7/, 'answers have ids in lower case');
    });
  }
});
