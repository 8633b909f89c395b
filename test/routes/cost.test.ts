/** Each route needs as many SQL statements as its table says, however many rows there are. */
import { randomUUIDv7 } from 'node:crypto';
import type { Test } from 'tap';
import type { App } from '../../app.ts';
import { newSession, type Scene, setScene } from '../support/cast.ts';
import { COSTS, type Cost } from '../support/costs.ts';
import { onEachEngine } from '../support/engines.ts';
import { addToken, newToken } from '../support/optional.ts';
import { parse } from '../support/request.ts';
import { namesOf, routesDuring } from '../support/routes.ts';
import { fillBody, filler, routeOf, routesToList } from '../support/rows.ts';
import { quickHashing, startService } from '../support/service.ts';
import { noteStatements } from '../support/statements.ts';

const READS = COSTS.filter(({ send }) => send.startsWith('GET '));
const MANY = 100;
const numbers = Array.from({ length: MANY }, (_, number) => number);
const permissions = numbers.map(
  (number) => `tea:${'abcdefghij'[Math.floor(number / 10)]}${'abcdefghij'[number % 10]}`,
);

const AUDIT_ENTRY = {
  event: 'signed-in' as const,
  via: 'password',
  target: null,
  before: null,
  after: null,
  address: '',
  userAgent: '',
  requestId: '',
};

/** Creates a hundred users, groups and audit entries. */
async function makeCrowd(app: App) {
  const now = Date.now();
  const named = numbers.map((number) => ({ id: randomUUIDv7(), name: `crowd-${number}` }));
  const users = named.map(({ id, name }) => ({
    id,
    username: name,
    name,
    email: null,
    active: true,
    passwordHash: null,
  }));
  const groups = named.map((each) => ({ ...each, title: '', permissions: [] }));
  await app.db.atomically([
    ...users.map((user) => app.db.users.add(user, now)),
    ...groups.flatMap((group) => app.db.groups.add(group, now)),
    ...users.map((user) => app.db.audit.add({ ...AUDIT_ENTRY, id: randomUUIDv7(), at: now, actor: user })),
  ]);
  return { users, groups };
}

/** Gives the user and the caller of the scene a hundred memberships, sessions and tokens. */
async function crowd(app: App, { names }: Scene, { users, groups }: Awaited<ReturnType<typeof makeCrowd>>) {
  const { db } = app;
  const now = Date.now();
  const { user = '', caller = '', group = '' } = names;
  const role = 'member' as const;
  const passwordHash = (await db.users.passwordHash(user)) ?? '';
  await db.atomically([
    ...users.flatMap(({ id }) => db.memberships.add({ groupId: group, userId: id, role }, now)),
    ...groups.flatMap(({ id }) => db.memberships.add({ groupId: id, userId: user, role }, now)),
    ...db.groups.setPermissions(group, permissions),
    ...[...new Set([user, caller])].flatMap((userId) =>
      numbers.flatMap(() => [
        db.sessions.add(newSession(app, userId, passwordHash)),
        ...addToken(db, newToken(userId, []), now),
      ]),
    ),
  ]);
}

onEachEngine('Every route needs as many SQL statements as the table says', async (t, engine) => {
  // None of the hundred sessions is one too many.
  const settings = { SIGN_UP: 'open' as const, MAX_SESSIONS: 1000 };
  const { routes, made } = await routesDuring(() =>
    startService(t, engine, { settings, hashing: quickHashing }),
  );
  const { app } = made;
  const statements = noteStatements(t);
  const statementsOf = ({ statements }: Cost) =>
    [statements].flat().at(engine.name === 'MySQL' ? 0 : -1) ?? 0;
  const lists = new Set(
    routes.flatMap(({ schema, ...route }) =>
      JSON.stringify(schema?.querystring ?? {}).includes('"limit"') ? namesOf([route]) : [],
    ),
  );

  /** Sends the row's request. @returns the number of statements, the number of listed items, and the response. */
  async function measure(t: Test, row: Cost, scene: Scene, granted: string[]) {
    const { by, body } = row;
    const { method, path } = parse(row.send);
    const others = JSON.stringify(granted.map((permission) => `${permission}-too`));
    const longLists: Record<string, string> = {
      '"{permissions}"': JSON.stringify(granted),
      '"{others}"': others,
    };
    const fillNames = filler(scene.names);
    const fill = (text: string) =>
      fillNames(text.replace(/"\{(?:permissions|others)\}"/g, (list) => longLists[list] ?? ''));
    const isList = lists.has(routeOf(row));
    const url = fill(isList ? `${path}${path.includes('?') ? '&' : '?'}limit=${MANY}` : path);
    statements();
    const { statusCode, payload: answer } = await scene.send({
      method,
      url,
      ...(body ? { payload: fillBody(body, fill) } : {}),
    });
    const texts = statements();
    if (method === 'GET') t.equal(new Set(texts).size, texts.length, `${by}: ${url} repeats no statement`);
    const { items }: { items?: unknown[] } = answer === '' ? {} : JSON.parse(answer);
    return {
      count: texts.length,
      listed: items?.length,
      statusCode,
      what: `${by}: ${method} ${url}: ${answer}`,
    };
  }

  t.test('The table lists exactly the routes of its blueprints', async (t) => {
    t.strictSame([...new Set(COSTS.map(routeOf))].sort(), routesToList(COSTS, namesOf(routes)));
    t.ok(
      READS.every(({ statements }) => [statements].flat().every((count, at) => at > 0 || count <= 2)),
      'a read makes at most two round trips to MySQL',
    );
  });

  await t.test('Each request sends the number of statements in the table', async (t) => {
    for (const row of COSTS) {
      const scene = await setScene(app, row.by, 'tea:make');
      await app.db.atomically(app.db.groups.setPermissions(scene.names.group ?? '', ['tea:make']));
      const { count, statusCode, what } = await measure(t, row, scene, ['tea:make']);
      t.match(statusCode, /^20/, what);
      t.equal(count, statementsOf(row), what);
    }
  });

  await t.test('Repeated reads of an unchanged user send fewer statements', async (t) => {
    const scene = await setScene(app, 'member', 'tea:make');
    for (const url of [`/api/users/${scene.names.user}`, '/api/sign']) {
      const read = () => scene.send({ method: 'GET', url });
      for (let count = 0; count < 3; count++) await read();
      statements();
      t.equal((await read()).statusCode, 200);
      t.equal(statements().length, engine.name === 'SQLite' ? 1 : 2, url);
    }
  });

  await t.test('Each request sends the same number of statements for a hundred rows', async (t) => {
    const people = await makeCrowd(app);
    for (const row of COSTS) {
      const scene = await setScene(app, row.by, 'tea:make');
      await crowd(app, scene, people);
      const { count, statusCode, what, listed = MANY } = await measure(t, row, scene, permissions);
      t.match(statusCode, /^20/, what);
      t.equal(count, statementsOf(row), what);
      t.equal(listed, MANY, `${row.send} lists ${MANY} items`);
    }
  });

  await t.test('No read sends more statements for an empty or unknown user or group', async (t) => {
    const lonely = { id: randomUUIDv7(), username: 'lonely', name: '', email: null, active: true };
    const empty = { id: randomUUIDv7(), name: 'empty', title: '', permissions: [] };
    const now = Date.now();
    await app.db.atomically([
      app.db.users.add({ ...lonely, passwordHash: null }, now),
      ...app.db.groups.add(empty, now),
    ]);
    const cases = [
      { user: lonely.id, group: empty.id, groupName: empty.name, expected: /^20/ },
      { user: randomUUIDv7(), group: randomUUIDv7(), groupName: 'unknown', expected: /^(20|404)/ },
    ];
    for (const row of READS) {
      for (const { expected, ...names } of cases) {
        const scene = await setScene(app, row.by, 'tea:make');
        scene.names = { ...scene.names, ...names };
        const { count, statusCode, what, listed = 0 } = await measure(t, row, scene, []);
        // The caller is not a member of these groups.
        const refused = row.send.includes('{groupName}') || row.by === 'manager';
        t.match(statusCode, refused ? 403 : expected, what);
        t.ok(count <= statementsOf(row), what);
        if (/\{(user|group)\}/.test(row.send) && !row.send.includes('q=')) t.equal(listed, 0, what);
      }
    }
  });
});
