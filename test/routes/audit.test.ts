/** GET /api/audit lists the newest events first, with filters and pages. The API cannot change the audit trail. */
import { randomUUIDv7 } from 'node:crypto';
import { EVENTS } from '../../db/queries/audit.ts';
import { onEachEngine } from '../support/engines.ts';
import { makeUser, quickHashing, signedIn, startService } from '../support/service.ts';

const HOUR = 60 * 60 * 1000;
const START = Date.parse('2026-01-31T12:00:00Z');

/** @returns an id (UUIDv7) of that time. */
function idAt(time: number): string {
  const digits = time.toString(16).padStart(12, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8)}${randomUUIDv7().slice(13)}`;
}

onEachEngine('The audit trail is listed with filters and cannot be changed', async (t, engine) => {
  const { app } = await startService(t, engine, { hashing: quickHashing });
  await makeUser(app, 'chief', { admin: true });
  const client = await signedIn(app, 'chief');
  const people = ['ann', 'bob', 'cem'].map((username) => ({ id: randomUUIDv7(), username }));
  const events = ['signed-in', 'user-changed', 'signed-out'] as const;

  /** One audit entry an hour. Actors, targets and events take turns at different rates. */
  const entries = Array.from({ length: 27 }, (_, n) => {
    const target = people[Math.floor(n / 3) % 3] ?? { id: '', username: '' };
    return {
      id: idAt(START + n * HOUR),
      at: START + n * HOUR,
      event: events[Math.floor(n / 9) % 3] ?? 'signed-in',
      actor: people[n % 3] ?? null,
      via: 'session',
      target: { kind: 'user' as const, id: target.id, name: target.username },
      address: '192.0.2.1',
      userAgent: `Browser/${n}`,
      requestId: `request-${n}`,
      before: { name: `before ${n}`, active: false, email: null },
      after: { name: `after ${n}`, active: true, email: 'é@example.org' },
    };
  });
  await app.db.atomically(entries.map((each) => app.db.audit.add(each)));
  const [ann = { id: '', username: '' }, bob = ann] = people;
  const newestFirst = (filter: (each: (typeof entries)[number]) => boolean) =>
    entries
      .filter(filter)
      .map(({ id }) => id)
      .reverse();
  const UNTIL = new Date(START + 100 * HOUR).toISOString();

  /** Follows the pages to the end. @returns the ids of all listed audit entries. */
  async function listIds(query: Record<string, string>) {
    const ids: string[] = [];
    let next: string | null = '';
    for (let pages = 0; next !== null; pages++) {
      if (pages > 100) throw new Error('The pages do not end.');
      const more = next ? { after: next } : {};
      const url = `/api/audit?${new URLSearchParams({ to: UNTIL, ...query, ...more })}`;
      const response = await client.request('GET', url);
      if (response.statusCode !== 200) throw new Error(response.payload);
      const page: { items: { id: string }[]; next: string | null } = response.json();
      ids.push(...page.items.map(({ id }) => id));
      next = page.next;
    }
    return ids;
  }

  t.test('GET audit shows an audit entry as it was recorded', async (t) => {
    const { items } = (await client.request('GET', `/api/audit?limit=1&to=${UNTIL}`)).json();
    const { at, ...newest } = entries.at(-1) ?? { at: 0 };
    t.strictSame(items, [{ ...newest, at: new Date(at).toISOString() }]);
  });

  const filters = [
    { query: {}, filter: () => true },
    { query: { actor: ann.id }, filter: (each: (typeof entries)[number]) => each.actor === ann },
    { query: { target: bob.id }, filter: (each: (typeof entries)[number]) => each.target.id === bob.id },
    {
      query: { event: 'user-changed' },
      filter: (each: (typeof entries)[number]) => each.event === 'user-changed',
    },
    {
      query: { actor: ann.id, target: bob.id, event: 'signed-out' },
      filter: (each: (typeof entries)[number]) =>
        each.actor === ann && each.target.id === bob.id && each.event === 'signed-out',
    },
    { query: { actor: randomUUIDv7() }, filter: () => false },
    {
      query: { from: '2026-01-31T15:00:00Z', to: '2026-01-31T20:00:00.000Z' },
      filter: (each: (typeof entries)[number]) => each.at >= START + 3 * HOUR && each.at < START + 8 * HOUR,
    },
    {
      query: { from: '2026-01-31T15:00:00.001Z', actor: ann.id },
      filter: (each: (typeof entries)[number]) => each.at > START + 3 * HOUR && each.actor === ann,
    },
    { query: { from: '2026-02-01T12:00:00Z', to: '2026-02-01T11:00:00Z' }, filter: () => false },
    {
      query: { from: '2026-01-31T16:00:00+01:00', to: '2026-01-31T13:00:00-07:00' },
      filter: (each: (typeof entries)[number]) => each.at >= START + 3 * HOUR && each.at < START + 8 * HOUR,
    },
    // A day is its beginning in UTC; entries begin at noon of the 31st.
    {
      query: { from: '2026-02-01' },
      filter: (each: (typeof entries)[number]) => each.at >= START + 12 * HOUR,
    },
    { query: { to: '2026-02-01' }, filter: (each: (typeof entries)[number]) => each.at < START + 12 * HOUR },
    { query: { from: '0001-01-01' }, filter: () => true },
    { query: { to: '1969-12-31' }, filter: () => false },
  ];
  for (const { query, filter } of filters) {
    t.test(
      `GET audit with ${Object.keys(query).join(', ') || 'no filter'} lists each match once, newest first`,
      async (t) => {
        for (const limit of ['1', '2', '4', '100']) {
          t.strictSame(await listIds({ ...query, limit }), newestFirst(filter), `pages of ${limit}`);
        }
      },
    );
  }

  t.test('GET audit takes an offset whose + is not encoded, and a whole query that is wrong', async (t) => {
    const url = '/api/audit?limit=100&from=2026-01-31T16:00:00+01:00&to=2026-01-31T17:00:00+01:00';
    const page = (await client.request('GET', url)).json();
    t.strictSame(
      page.items.map(({ id }: { id: string }) => id),
      [entries[3]?.id],
    );
    const wrong = await client.request('GET', '/api/audit?from=yesterday&to=2026-02-31&event=x');
    t.match(wrong.json().errors, [
      { in: 'query', pointer: '/event', code: 'choice' },
      { in: 'query', pointer: '/from', code: 'format', detail: /^must be a time/ },
      { in: 'query', pointer: '/to', code: 'format', detail: /^must be a time/ },
    ]);
  });

  t.test('GET audit rejects invalid filters with 400', async (t) => {
    for (const query of [
      'event=nothing',
      'actor=ann',
      'from=yesterday',
      'to=2026-02-31T12:00:00Z',
      'from=2026-01-31T25:00:00Z',
      'after=x',
      'limit=0',
    ]) {
      const response = await client.request('GET', `/api/audit?${query}`);
      t.equal(response.statusCode, 400, query);
    }
    for (const event of EVENTS)
      t.equal((await client.request('GET', `/api/audit?event=${event}`)).statusCode, 200);
  });

  t.test('The audit trail has no route that changes it', async (t) => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const collection = await client.request(method, '/api/audit');
      t.equal(collection.statusCode, 405);
      t.equal(collection.headers.allow, 'GET, HEAD, OPTIONS');
      t.equal((await client.request(method, `/api/audit/${entries[0]?.id}`)).statusCode, 404);
    }
    t.strictSame(
      await listIds({ limit: '100' }),
      newestFirst(() => true),
    );
  });

  t.test('The audit entries of a deleted user keep the usernames of their time', async (t) => {
    const id = await makeUser(app, 'going');
    await (await signedIn(app, 'going')).request('PATCH', `/api/users/${id}`, { name: 'Gone' });
    await client.request('PATCH', `/api/users/${id}`, { username: 'gone' });
    await client.request('DELETE', `/api/users/${id}`);
    const { items } = (await client.request('GET', `/api/audit?target=${id}`)).json();
    t.match(items, [
      { event: 'user-deleted', actor: { username: 'chief' }, target: { id, name: 'gone' } },
      { event: 'user-changed', after: { username: 'gone' }, target: { name: 'going' } },
      { event: 'user-changed', actor: { id, username: 'going' }, after: { name: 'Gone' } },
      { event: 'signed-in', actor: { id, username: 'going' } },
    ]);
  });
});
