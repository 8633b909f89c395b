/**
 * The number of SQL statements of each route. It must not depend on how many rows are read. A route that is missing from the
 * table fails the test. Explain or fix a number that grows.
 *
 * Of two numbers the second is for SQLite, where a statement is a function call. On MySQL each statement is a round trip, and
 * a read with a session or a token makes at most two. It makes one more when a token comes with an ended session, or when an
 * added request loader supplies no permissions. Every five minutes the last-seen time is written as well.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { Test } from 'tap';
import type { App } from '../../app.ts';
import { CALLERS, newSession, newToken, type Scene, setScene } from '../support/cast.ts';
import { onEachEngine } from '../support/engines.ts';
import { namesOf, routesDuring } from '../support/routes.ts';
import { routeOf } from '../support/rows.ts';
import { quickHashing, startService } from '../support/service.ts';
import { noteStatements } from '../support/statements.ts';

const TABLE = `
 0    anonymous     GET /
 0    anonymous     GET /livez
 2/1  anonymous     GET /readyz
 9    anonymous     POST /api/sign/in                            {"username":"{username}","password":"{password}"}
 4/5  member        POST /api/sign/out
 4/5  token         POST /api/sign/out
 7    anonymous     POST /api/sign/reset                         {"code":"{code}","password":"another password"}
 4    anonymous     POST /api/sign/up                            {"username":"{newName}","password":"{password}"}
 2/3  administrator GET /api/sign
 2/3  token         GET /api/sign
 9/10 member        POST /api/sign/confirm                       {"password":"{password}"}
 1/2  member        GET /api/sign/check
 1/2  administrator GET /api/sign/check?permission=tea:make
 1/2  token         GET /api/sign/check?permission=tea:make
 2/3  member        GET /api/sign/check?group={groupName}
 2/3  administrator GET /api/sign/check?group={allGroup}&permission=tea:make
 2/3  member        GET /api/sessions
 5/6  member        DELETE /api/sessions
 5/6  member        DELETE /api/sessions/{session}
 2/3  member        GET /api/tokens
 5/6  administrator POST /api/tokens                             {"name":"new","scopes":{permissions}}
 5/6  member        DELETE /api/tokens/{token}
 2/3  member        GET /api/users
 2/3  member        GET /api/users?active=true
 2/5  member        GET /api/users?q=crowd
 2/5  member        GET /api/users?q=crowd&group={group}&active=true
 2/3  member        GET /api/users?group={group}
 7/8  administrator POST /api/users                              {"username":"{newName}"}
 2/3  member        GET /api/users/{user}
15/16 administrator PATCH /api/users/{user}                      {"username":"{newName}","active":false}
14/15 administrator DELETE /api/users/{user}
12/13 member        PUT /api/users/{user}/password               {"current":"{password}","password":"another password"}
12/13 administrator POST /api/users/{user}/reset
 2/4  member        GET /api/users/{user}/groups
 2/4  administrator GET /api/users/{user}/sessions
 6/7  administrator DELETE /api/users/{user}/sessions
 2/3  member        GET /api/groups
 6/7  administrator POST /api/groups                             {"name":"{newName}","permissions":{permissions}}
 2/3  member        GET /api/groups/{group}
14/15 administrator PATCH /api/groups/{group}                    {"permissions":{others}}
 9/10 administrator DELETE /api/groups/{group}
 2/4  administrator GET /api/groups/{group}/members
 2/4  manager       GET /api/groups/{group}/members
13/14 administrator PUT /api/groups/{group}/members/{user}       {"role":"manager"}
13/14 administrator DELETE /api/groups/{group}/members/{user}
 2/3  administrator GET /api/audit
`;

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

const ROWS = TABLE.trim()
  .split('\n')
  .map((line) => {
    const [, onMysql, onSqlite = onMysql, by, verb, path = '', body] =
      /^ *(\d+)(?:\/(\d+))? +(\S+) +(\w+) (\S+)(?: +(\{.*\}))?$/.exec(line) ?? [];
    const caller = CALLERS.find((each) => each === by);
    const method = METHODS.find((each) => each === verb);
    if (!caller || !method) throw new Error(`This is not a row of the table: ${line}`);
    const statements = { MySQL: Number(onMysql), SQLite: Number(onSqlite) };
    return { statements, caller, method, path, body };
  });
type Row = (typeof ROWS)[number];

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
        db.tokens.add(newToken(userId, []), now),
      ]),
    ),
  ]);
}

onEachEngine('Every route needs as many SQL statements as the table says', async (t, engine) => {
  const settings = { SIGN_UP: 'open' as const };
  const { routes, made } = await routesDuring(() =>
    startService(t, engine, { settings, hashing: quickHashing }),
  );
  const { app } = made;
  const statements = noteStatements(t);
  const lists = new Set(
    routes.flatMap(({ schema, ...route }) =>
      JSON.stringify(schema?.querystring ?? {}).includes('"limit"') ? namesOf([route]) : [],
    ),
  );

  /** Sends the row's request. @returns the row with the measured number, the number of listed items, and the response. */
  async function measure(t: Test, row: Row, scene: Scene, granted: string[]) {
    const { caller, method, path, body } = row;
    const others = JSON.stringify(granted.map((permission) => `${permission}-too`));
    const names: Record<string, string> = { ...scene.names, permissions: JSON.stringify(granted), others };
    const fill = (text: string) => text.replace(/\{(\w+)\}/g, (_all, name: string) => names[name] ?? '');
    const payload: object | undefined = body === undefined ? undefined : JSON.parse(fill(body));
    const isList = lists.has(routeOf(row));
    const url = fill(isList ? `${path}${path.includes('?') ? '&' : '?'}limit=${MANY}` : path);
    statements();
    const { statusCode, payload: answer } = await scene.send({
      method,
      url,
      ...(payload ? { payload } : {}),
    });
    const texts = statements();
    if (method === 'GET')
      t.equal(new Set(texts).size, texts.length, `${caller}: ${url} repeats no statement`);
    const measured = { ...row, statements: { ...row.statements, [engine.name]: texts.length } };
    const { items }: { items?: unknown[] } = answer === '' ? {} : JSON.parse(answer);
    return { measured, listed: items?.length, statusCode, what: `${caller}: ${method} ${url}: ${answer}` };
  }

  t.test('The table lists exactly the routes of the service', async (t) => {
    t.strictSame([...new Set(ROWS.map(routeOf))].sort(), namesOf(routes));
    const reads = ROWS.filter(({ method }) => method === 'GET');
    t.ok(
      reads.every(({ statements }) => statements.MySQL <= 2),
      'a read makes at most two round trips to MySQL',
    );
  });

  await t.test('Each request sends the number of statements in the table', async (t) => {
    for (const row of ROWS) {
      const scene = await setScene(app, row.caller, 'tea:make');
      await app.db.atomically(app.db.groups.setPermissions(scene.names.group ?? '', ['tea:make']));
      const { measured, statusCode, what } = await measure(t, row, scene, ['tea:make']);
      t.match(statusCode, /^20/, what);
      t.strictSame(measured, row);
    }
  });

  await t.test('Repeated reads of an unchanged user send fewer statements', async (t) => {
    const scene = await setScene(app, 'member', 'tea:make');
    for (const url of [`/api/users/${scene.names.user}`, '/api/sign']) {
      const read = () => scene.send({ method: 'GET', url });
      for (let count = 0; count < 3; count++) await read();
      statements();
      t.equal((await read()).statusCode, 200);
      t.equal(statements().length, 2, url);
    }
  });

  await t.test('Each request sends the same number of statements for a hundred rows', async (t) => {
    const people = await makeCrowd(app);
    for (const row of ROWS) {
      const scene = await setScene(app, row.caller, 'tea:make');
      await crowd(app, scene, people);
      const { measured, statusCode, what, listed = MANY } = await measure(t, row, scene, permissions);
      t.match(statusCode, /^20/, what);
      t.strictSame(measured, row);
      t.equal(listed, MANY, `${row.path} lists ${MANY} items`);
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
    for (const row of ROWS.filter(({ method }) => method === 'GET')) {
      for (const { expected, ...names } of cases) {
        const scene = await setScene(app, row.caller, 'tea:make');
        scene.names = { ...scene.names, ...names };
        const { measured, statusCode, what, listed = 0 } = await measure(t, row, scene, []);
        // The caller is not a member of these groups.
        const refused = row.path.includes('{groupName}') || row.caller === 'manager';
        t.match(statusCode, refused ? 403 : expected, what);
        t.ok(measured.statements[engine.name] <= row.statements[engine.name], what);
        if (/\{(user|group)\}/.test(row.path) && !row.path.includes('q=')) t.equal(listed, 0, what);
      }
    }
  });
});
