/** Finding users in the directory, by what they are called, page by page: nobody is missed, and nobody is shown twice. */
import { randomUUIDv7 } from 'node:crypto';
import { onEachEngine } from '../support/engines.ts';
import { makeUser, quickHashing, signedIn, startService } from '../support/service.ts';

onEachEngine('finding users', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  const client = await signedIn(app, 'chief');
  const groupId = randomUUIDv7();
  const now = Date.now();

  /** Some are found by one of their names, others by two or all three of them. */
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
  ].map((each, n) => ({ ...each, id: randomUUIDv7(), active: n % 3 > 0, passwordHash: null }));
  await app.db.atomically([
    ...people.map((each) => app.db.users.add(each, now)),
    ...app.db.groups.add({ id: groupId, name: 'team', title: '', permissions: [] }, now),
    ...people
      .filter((_each, n) => n % 2 === 0)
      .flatMap(({ id: userId }) => app.db.memberships.add({ groupId, userId, role: 'member' }, now)),
  ]);

  /** @returns the usernames on all pages, in the order in which they came. */
  async function walk(query: Record<string, string>) {
    const found: string[] = [];
    let next: string | null = '';
    for (let pages = 0; next !== null; pages++) {
      if (pages > 100) throw new Error('there is no end to the pages');
      const url: string = `/api/users?${new URLSearchParams({ ...query, ...(next ? { after: next } : {}) })}`;
      const response = await client.request('GET', url);
      if (response.statusCode !== 200) throw new Error(response.payload);
      const page: { items: { username: string }[]; next: string | null } = response.json();
      if (page.items.length > Number(query.limit)) throw new Error('there are more than were asked for');
      found.push(...page.items.map(({ username }) => username));
      const link = page.next && `after=${page.next}>; rel="next"`;
      if (!String(response.headers.link ?? '').endsWith(link ?? ''))
        throw new Error('the link is another one');
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
    { what: 'username in other letters', q: 'ＺＯ', found: ['zoe'] },
    { what: 'e-mail address', q: 'anno@', found: ['cem'] },
    { what: 'name', q: 'Annab', found: ['bob'] },
    { what: 'name with accents', q: 'zoë', found: ['zoe'] },
    { what: 'name with a space', q: 'ann w', found: ['dora'] },
    { what: 'whole username', q: 'annika', found: ['Annika'] },
    { what: 'percent sign, which is no wildcard', q: 'ann%', found: ['ann_'] },
    { what: 'underscore, which is none either', q: 'ann_', found: ['ann_'] },
    { what: 'middle of a name, which is not enough', q: 'nna', found: [] },
    { what: 'name of nobody', q: 'annz', found: [] },
  ];
  for (const { what, q, found } of searches) {
    t.test(`by the ${what}`, async (t) => t.strictSame(await walk({ q, limit: '20' }), found));
  }

  const annish = named(({ username }) => !['joanna', 'zoe'].includes(username));
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
    t.test(`with ${JSON.stringify(query)} gives each once, in pages of any size`, async (t) => {
      for (const limit of [1, 2, 3, 5, 100]) {
        const names = await walk({ ...query, limit: `${limit}` });
        t.strictSame(names.sort(), found, `pages of ${limit}`);
      }
    });
  }

  t.test('goes on where it was, whatever is added and removed meanwhile', async (t) => {
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

  t.test('goes on behind a page of those who are not as they are asked for', async (t) => {
    const soloists = Array.from({ length: 5 }, (_, n) => ({
      id: randomUUIDv7(),
      username: `solo-${n}`,
      name: '',
      email: null,
      active: n === 4,
      passwordHash: null,
    }));
    await app.db.atomically(soloists.map((each) => app.db.users.add(each, now)));
    // Of one list alone, which is cut off, and of which none is shown.
    const first = await client.request('GET', '/api/users?q=solo&active=true&limit=1');
    t.match(first.json(), { items: [], next: /./ });
    t.strictSame(await walk({ q: 'solo', active: 'true', limit: '1' }), ['solo-4']);
    t.strictSame(
      await walk({ q: 'solo', limit: '2' }),
      soloists.map(({ username }) => username),
    );
  });

  t.test('refuses a cursor that it has not given', async (t) => {
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
      t.equal(response.statusCode, 400, `of another kind of list: ${query}`);
    }
  });
});
