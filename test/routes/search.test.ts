/** Searching users by prefix, filters and pages: each match is listed exactly once. */
import { randomUUIDv7 } from 'node:crypto';
import { onEachEngine } from '../support/engines.ts';
import { makeUser, quickHashing, signedIn, startService } from '../support/service.ts';

onEachEngine('Users are found by search and filters', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  const client = await signedIn(app, 'chief');
  const groupId = randomUUIDv7();
  const now = Date.now();

  /** Some match by one of username, name and e-mail address, others by two or all three. */
  const people = [
    { username: 'anna', name: 'Anna Annason', email: 'anna@example.org' },
    { username: 'Annika', name: 'Berg', email: 'berg@example.org' },
    { username: 'bob', name: 'Annabel', email: 'bob@example.org' },
    { username: 'cem', name: 'Cem', email: 'ANNO@example.org' },
    { username: 'dora', name: 'ＡＮＮ wide', email: null },
    { username: 'ann', name: 'ann', email: 'ann@example.org' },
    { username: 'ann_', name: 'ann%', email: null },
    { username: 'joanna', name: 'Joanna Ann', email: 'joanna@example.org' },
    { username: 'zoe', name: 'Zoë', email: null },
    ...Array.from({ length: 9 }, (_, n) => ({
      username: `annex-${n}`,
      name: 'Ann',
      email: `ann${n}@example.org`,
    })),
    // The address sorts before the name, by which alone some readers find them.
    { username: 'rolf', name: 'Annx Last', email: 'anna.x@example.org' },
  ].map((each, n) => ({ ...each, id: randomUUIDv7(), active: n % 3 > 0, passwordHash: null }));
  await app.db.atomically([
    ...people.map((each) => app.db.users.add(each, now)),
    ...app.db.groups.add({ id: groupId, name: 'team', title: '', permissions: [] }, now),
    ...people
      .filter((_each, n) => n % 2 === 0)
      .flatMap(({ id: userId }) => app.db.memberships.add({ groupId, userId, role: 'member' }, now)),
  ]);

  /** Follows the pages to the end. @returns the usernames in the order of the pages. */
  async function listUsernames(query: Record<string, string>, by = client) {
    const found: string[] = [];
    let next: string | null = '';
    for (let pages = 0; next !== null; pages++) {
      if (pages > 100) throw new Error('The pages do not end.');
      const url: string = `/api/users?${new URLSearchParams({ ...query, ...(next ? { after: next } : {}) })}`;
      const response = await by.request('GET', url);
      if (response.statusCode !== 200) throw new Error(response.payload);
      const page: { items: { username: string }[]; next: string | null } = response.json();
      if (page.items.length > Number(query.limit)) throw new Error('A page is longer than the limit.');
      found.push(...page.items.map(({ username }) => username));
      const link = page.next && `after=${page.next}>; rel="next"`;
      if (!String(response.headers.link ?? '').endsWith(link ?? ''))
        throw new Error('The Link header and "next" differ.');
      next = page.next;
    }
    return found;
  }
  const named = (filter: (each: (typeof people)[number], index: number) => boolean) =>
    people
      .filter(filter)
      .map(({ username }) => username)
      .sort();

  const searches = [
    { what: 'username', q: 'zo', found: ['zoe'] },
    { what: 'username in full-width letters', q: 'ＺＯ', found: ['zoe'] },
    { what: 'e-mail address', q: 'anno@', found: ['cem'] },
    { what: 'name', q: 'Annab', found: ['bob'] },
    { what: 'name with accents', q: 'zoë', found: ['zoe'] },
    { what: 'name with a space', q: 'ann w', found: ['dora'] },
    { what: 'whole username', q: 'annika', found: ['Annika'] },
    { what: 'percent sign in a name', q: 'ann%', found: ['ann_'] },
    { what: 'underscore in a username', q: 'ann_', found: ['ann_'] },
    { what: 'middle of a name', q: 'nna', found: [] },
    { what: 'beginning of any name: it is a mark alone', q: '\u0301', found: [] },
    { what: 'beginning of any name', q: 'annz', found: [] },
  ];
  for (const { what, q, found } of searches) {
    t.test(`Search for "${q}" ${found.length > 0 ? 'matches' : 'does not match'} the ${what}`, async (t) =>
      t.strictSame(await listUsernames({ q, limit: '20' }), found),
    );
  }

  const annish = named(({ username }) => !['joanna', 'zoe'].includes(username));
  const addresses = ['anno@', 'ann0@example.org', 'berg@', 'ANN@EXAMPLE.ORG'];
  const readers = [
    { holds: 'nothing', permissions: [], finds: false },
    { holds: 'groups:write', permissions: ['groups:write', 'audit:read'], finds: false },
    { holds: 'users:read-private', permissions: ['users:read-private'], finds: true },
    { holds: 'users:write', permissions: ['users:write'], finds: true },
  ];
  for (const [n, { holds, permissions, finds }] of readers.entries()) {
    t.test(
      `Search by a user who holds ${holds} ${finds ? 'finds' : 'does not find'} addresses`,
      async (t) => {
        const userId = await makeUser(app, `reader-${n}`);
        const group = { id: randomUUIDv7(), name: `readers-${n}`, title: '', permissions };
        const membership = { groupId: group.id, userId, role: 'member' as const };
        await app.db.atomically([...app.db.groups.add(group, now), app.db.memberships.add(membership, now)]);
        const reader = await signedIn(app, `reader-${n}`);
        for (const q of [...addresses, `reader-${n}@`])
          t.equal((await listUsernames({ q, limit: '5' }, reader)).length, finds ? 1 : 0, q);
        for (const limit of [1, 2, 3, 5, 100]) {
          const names = await listUsernames({ q: 'ann', limit: `${limit}` }, reader);
          // Cem is found by his address alone.
          t.strictSame(
            names.sort(),
            finds ? annish : annish.filter((each) => each !== 'cem'),
            `pages of ${limit}`,
          );
        }
        await app.db.atomically([app.db.users.remove({ id: userId, version: 1 })]);
      },
    );
  }

  const active = new Set(named(({ active }) => active));
  const team = new Set(named((_each, n) => n % 2 === 0));
  const filters = [
    { query: { q: 'ann' }, found: annish },
    { query: { q: 'ann', active: 'true' }, found: annish.filter((each) => active.has(each)) },
    { query: { q: 'ann', active: 'false' }, found: annish.filter((each) => !active.has(each)) },
    { query: { q: 'ann', group: groupId }, found: annish.filter((each) => team.has(each)) },
    { query: { group: groupId }, found: [...team] },
    {
      query: { q: 'ann', group: groupId, active: 'true' },
      found: annish.filter((each) => team.has(each) && active.has(each)),
    },
    { query: { group: groupId, active: 'false' }, found: [...team].filter((each) => !active.has(each)) },
    { query: { active: 'false' }, found: named(({ active }) => !active) },
    { query: {}, found: [...named(() => true), 'chief'].sort() },
  ];
  for (const { query, found } of filters) {
    t.test(`GET users with ${JSON.stringify(query)} lists each match once`, async (t) => {
      for (const limit of [1, 2, 3, 5, 100]) {
        const names = await listUsernames({ ...query, limit: `${limit}` });
        t.strictSame(names.sort(), found, `pages of ${limit}`);
      }
    });
  }

  t.test('Paging continues at the cursor although users are added and removed in between', async (t) => {
    const first = (await client.request('GET', '/api/users?q=anne&limit=4')).json();
    const added = { id: randomUUIDv7(), username: 'annex-35', name: 'Late', email: null, active: true };
    const shown = people.find(({ username }) => username === first.items.at(-1).username);
    await app.db.atomically([
      app.db.users.add({ ...added, passwordHash: null }, now),
      app.db.users.remove({ id: shown?.id ?? '', version: 1 }),
    ]);
    const rest = (await client.request('GET', `/api/users?q=anne&limit=20&after=${first.next}`)).json();
    const names = [...first.items, ...rest.items].map(({ username }: { username: string }) => username);
    t.strictSame(
      names,
      [...'0123']
        .map((n) => `annex-${n}`)
        .concat(
          'annex-35',
          [...'45678'].map((n) => `annex-${n}`),
        ),
    );
  });

  t.test('Paging continues after a page on which the filter leaves no user', async (t) => {
    const soloists = Array.from({ length: 5 }, (_, n) => ({
      id: randomUUIDv7(),
      username: `solo-${n}`,
      name: '',
      email: null,
      active: n === 4,
      passwordHash: null,
    }));
    await app.db.atomically(soloists.map((each) => app.db.users.add(each, now)));
    // The search reads a limited batch. The filter removes all of it, so the page is empty but has a cursor.
    const first = await client.request('GET', '/api/users?q=solo&active=true&limit=1');
    t.match(first.json(), { items: [], next: /./ });
    t.strictSame(await listUsernames({ q: 'solo', active: 'true', limit: '1' }), ['solo-4']);
    t.strictSame(
      await listUsernames({ q: 'solo', limit: '2' }),
      soloists.map(({ username }) => username),
    );
  });

  t.test('GET users rejects a cursor that it has not issued', async (t) => {
    const { next } = (await client.request('GET', '/api/users?q=ann&limit=2')).json();
    const id = people[0]?.id ?? '';
    const encode = (text: string) => Buffer.from(text).toString('base64url');
    const bad = [
      'nonsense',
      '',
      id,
      encode(id),
      encode(`${id.toUpperCase()}ann`),
      encode('ann'),
      `${next}A`,
      next.slice(0, -1),
      `${next}=`,
      Buffer.from([...Buffer.from(id), 0xff, 0xfe]).toString('base64url'),
      'A'.repeat(601),
      "'; DROP TABLE users; --",
    ];
    for (const after of bad) {
      const response = await client.request('GET', `/api/users?q=ann&after=${encodeURIComponent(after)}`);
      t.equal(response.statusCode, 400, after.slice(0, 60));
      t.match(response.json(), { errors: [{ in: 'query', pointer: '/after' }] });
    }
    for (const query of ['', 'active=true&', `group=${groupId}&`]) {
      const response = await client.request('GET', `/api/users?${query}after=${next}`);
      t.equal(response.statusCode, 400, `the cursor of another list answers 400: ${query}`);
    }
  });
});
