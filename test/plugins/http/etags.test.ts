/** Versions of users and groups: what If-Match lets pass, and that a change to what is so already makes no new version. */
import { onEachEngine } from '../../support/engines.ts';
import { makeUser, quickHashing, signedIn, startService } from '../../support/service.ts';

onEachEngine('A change names the version that it is about', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  const admin = await signedIn(app, 'chief');

  const matches = [
    { header: '"1"', status: 200 },
    { header: '*', status: 200 },
    { header: '"7", "1"', status: 200 },
    { header: '"7","1" ,"8"', status: 200 },
    { header: '"2"', status: 412 },
    { header: '"7", "8"', status: 412 },
    // A departure from RFC 9110, section 13.1.1: a proxy that compresses makes tags weak.
    { header: 'W/"1"', status: 200 },
    { header: '"7", W/"1"', status: 200 },
    { header: ' W/"1" , ', status: 200 },
    { header: 'W/"2"', status: 412 },
    { header: '"1 "', status: 400 },
    { header: '"01"', status: 412 },
    { header: '"1,2"', status: 412 },
    { header: '""', status: 412 },
    ...['1', 'w/"1"', 'W/1', 'W/ "1"', "'1'", '"1', '1"', '"1""1"', '"1" "1"', '', ',', 'null'].map(
      (header) => ({
        header,
        status: 400,
      }),
    ),
    ...['"1", 1', '1, "1"', '"1", *', '**', 'W/*', '"1", "'].map((header) => ({ header, status: 400 })),
  ];
  for (const [index, { header, status }] of matches.entries()) {
    t.test(`PATCH user with If-Match ${header} on version 1 answers ${status}`, async (t) => {
      const id = await makeUser(app, `match-${index}`);
      const url = `/api/users/${id}`;
      const response = await admin.request('PATCH', url, { name: 'x' }, { 'if-match': header });
      t.equal(response.statusCode, status);
      if (status === 400)
        t.match(response.json(), { errors: [{ in: 'headers', pointer: '/if-match', code: 'format' }] });
      const after = await admin.request('GET', url);
      t.equal(after.json().name, status === 200 ? 'x' : '');
      t.equal(after.headers.etag, status === 200 ? '"2"' : '"1"');
    });
  }

  t.test('DELETE user, PATCH and DELETE group take a weak tag and refuse what is no tag', async (t) => {
    const id = await makeUser(app, 'weak');
    const group = (await admin.request('POST', '/api/groups', { name: 'weak' })).json().id;
    const changes = [
      { method: 'DELETE', url: `/api/users/${id}`, done: 204 },
      { method: 'PATCH', url: `/api/groups/${group}`, body: { title: 'x' }, done: 200 },
      { method: 'DELETE', url: `/api/groups/${group}`, tag: 'W/"2"', done: 204 },
    ];
    for (const { method, url, body, tag = 'W/"1"', done } of changes) {
      for (const [header, status] of [
        ['1', 400],
        ['W/"9"', 412],
        [tag, done],
      ] as const)
        t.equal(
          (await admin.request(method, url, body, { 'if-match': header })).statusCode,
          status,
          `${method} ${header}`,
        );
    }
  });

  t.test('PATCH that changes nothing keeps version and time, and writes no audit entry', async (t) => {
    const user = { username: 'same', name: 'Sam', email: 'Sam@example.org' };
    const group = { name: 'same', title: 'Same', permissions: ['b:a', '*', 'a:b'] };
    const things = [
      { url: '/api/users', fields: user, other: { name: 'Samuel' }, event: 'user-changed' as const },
      { url: '/api/groups', fields: group, other: { title: 'Other' }, event: 'group-changed' as const },
    ];
    for (const { url: collection, fields, other, event } of things) {
      const made = await admin.request('POST', collection, { ...fields });
      const { id, reset: _code, ...shown } = made.json();
      const url = `${collection}/${id}`;
      const entries = () => app.db.audit.page({ target: id, event }, '', 'g', 10);
      const writes = t.capture(app.db, 'atomically', app.db.atomically);
      for (const changes of [fields, ...Object.entries(fields).map(([name, value]) => ({ [name]: value }))]) {
        const response = await admin.request('PATCH', url, changes, { 'if-match': '"1"' });
        t.equal(response.statusCode, 200);
        t.equal(response.headers.etag, '"1"', JSON.stringify(changes));
        t.match(response.json(), shown);
      }
      const kinds = writes().flatMap(({ args: [steps] }) => steps.map(({ rows }) => rows));
      t.notOk(kinds.includes(1), 'only conditions are asked');
      t.strictSame(await entries(), []);
      const response = await admin.request('PATCH', url, { ...fields, ...other }, { 'if-match': '"1"' });
      t.equal(response.headers.etag, '"2"', 'one field that differs is a change');
      const [name = ''] = Object.keys(other);
      t.strictSame(
        (await entries()).map(({ after }) => Object.keys(after ?? {})),
        [[name]],
      );
      t.equal(
        (await admin.request('PATCH', url, other, { 'if-match': '"1"' })).statusCode,
        412,
        'it is stale',
      );
    }
  });

  t.test('PATCH that would change nothing is refused to who may not change it', async (t) => {
    const id = await makeUser(app, 'guarded');
    const group = (
      await admin.request('POST', '/api/groups', { name: 'guarded', permissions: ['a:b'] })
    ).json();
    await makeUser(app, 'plain');
    const client = await signedIn(app, 'plain');
    for (const [url, changes] of [
      [`/api/users/${id}`, { name: '' }],
      [`/api/groups/${group.id}`, { title: '' }],
    ] as const)
      t.equal((await client.request('PATCH', url, changes)).statusCode, 403);
  });
});
