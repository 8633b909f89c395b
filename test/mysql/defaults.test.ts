/**
 * A server has defaults for how it takes values, shows times, begins transactions and keeps tables, and whoever runs it
 * may have changed them. The service must behave the same on all of them, or it is right only where it was tried.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { RowDataPacket } from 'mysql2/promise';
import { MissingReferenceError } from '../../db/engines/engine.ts';
import { databaseName, HASTY, onOwnServer } from '../support/own-server.ts';
import { Client, makeUser, PASSWORD, quickHashing, signedIn, startService } from '../support/service.ts';

const EMOJI = 'Zoë 🧑‍🚀 \\ "quoted" 日本';

/** Each with what would go wrong. The names are MariaDB's; --loose- lets MySQL pass over those it does not know. */
const FLAGS = [
  // Too long values are cut, and backslashes and quotes mean something else.
  '--sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT',
  // Tables and text are Latin, whatever the client asks for.
  '--character-set-server=latin1',
  '--collation-server=latin1_swedish_ci',
  '--loose-skip-character-set-client-handshake',
  '--default-time-zone=+05:30',
  // With this binary log, writes at this isolation are refused.
  '--transaction-isolation=READ-COMMITTED',
  '--log-bin',
  '--server-id=1',
  '--binlog-format=STATEMENT',
  // Reads go on showing what was there when the connection was first used.
  '--autocommit=OFF',
  '--completion-type=CHAIN',
  // Tables have neither transactions nor foreign keys.
  '--default-storage-engine=MyISAM',
  '--loose-sql-safe-updates=ON',
];

onOwnServer('a server with other defaults', [...FLAGS, ...HASTY.slice(0, 1)], async (t, server) => {
  // This one has no flag; a user's own statement, since who is root does not run it, would do the same.
  await server.query('SET GLOBAL foreign_key_checks = OFF');
  const databaseUrl = await server.makeDatabase();
  const settings = { POOL_SIZE: 4, WORKERS: 1 };
  const { app, settings: complete } = await startService(t, server.engine, {
    databaseUrl,
    settings,
    hashing: quickHashing,
  });
  const other = await startService(t, server.engine, {
    databaseUrl,
    settings: complete,
    hashing: quickHashing,
  });
  const adminId = await makeUser(app, 'admin', { admin: true });
  const client = await signedIn(app, 'admin');
  const inDatabase = (statement: string): Promise<RowDataPacket[]> =>
    server.query(statement.replaceAll('THIS', databaseName(databaseUrl)));

  await t.test('keeps every character', async (t) => {
    const made = await client.request('POST', '/api/users', {
      username: 'zoë🚀',
      name: EMOJI,
      password: PASSWORD,
    });
    t.equal(made.statusCode, 201);
    t.equal(made.json().name, EMOJI);
    const seen = await client.request('GET', `/api/users/${made.json().id}`);
    t.equal(seen.json().name, EMOJI);
    t.equal(seen.json().username, 'zoë🚀');
    t.equal((await new Client(app).signIn('ZOË🚀')).statusCode, 200);
    const [row] = await inDatabase("SELECT HEX(name) AS hex FROM THIS.users WHERE username LIKE 'zo%'");
    t.equal(row?.hex, Buffer.from(EMOJI).toString('hex').toUpperCase(), 'as UTF-8');
  });

  await t.test('keeps moments', async (t) => {
    const before = Date.now();
    const { user, session } = (await new Client(app).signIn('admin')).json();
    for (const moment of [user.lastSignInAt, session.createdAt, session.lastSeenAt]) {
      t.ok(Date.parse(moment) >= before && Date.parse(moment) <= Date.now(), moment);
    }
  });

  await t.test('refuses what is too long instead of cutting it', async (t) => {
    const fields = { name: '', email: null, active: true, passwordHash: null };
    const username = 'x'.repeat(65);
    await t.rejects(
      app.db.atomically([app.db.users.add({ id: randomUUIDv7(), username, ...fields }, Date.now())]),
      /ER_DATA_TOO_LONG/,
    );
  });

  await t.test('undoes a list of writes of which one fails', async (t) => {
    const group = { id: randomUUIDv7(), name: 'first', title: '', permissions: ['users:write'] };
    const same = { ...group, id: randomUUIDv7() };
    const now = Date.now();
    await t.rejects(app.db.atomically([...app.db.groups.add(group, now), ...app.db.groups.add(same, now)]), {
      name: 'DuplicateError',
      index: 'groups_name',
    });
    t.equal(await app.db.groups.find(group.id), undefined);
  });

  await t.test('removes with a thing what belongs to it, and refuses what belongs to nothing', async (t) => {
    const id = await makeUser(app, 'bob', { admin: true });
    const bob = await signedIn(app, 'bob');
    t.equal((await client.request('DELETE', `/api/users/${id}`)).statusCode, 204);
    t.equal((await bob.request('GET', '/api/sign')).statusCode, 401);
    const left = `SELECT (SELECT COUNT(*) FROM THIS.sessions WHERE user_id = '${id}') AS sessions,
                         (SELECT COUNT(*) FROM THIS.memberships WHERE user_id = '${id}') AS memberships`;
    const [row] = await inDatabase(left);
    t.match(row, { sessions: 0, memberships: 0 });
    const stray = app.db.groups.setPermissions(randomUUIDv7(), ['users:write']);
    await t.rejects(app.db.atomically(stray), new MissingReferenceError());
  });

  await t.test('shows every worker what another one has just written', async (t) => {
    const there = new Client(other.app);
    there.cookie = client.cookie;
    const seen: string[] = [];
    for (let n = 0; n < 8; n++) {
      await client.request('PATCH', `/api/users/${adminId}`, { name: `name ${n}` });
      seen.push((await there.request('GET', `/api/users/${adminId}`)).json().name);
    }
    t.strictSame(
      seen,
      seen.map((_, n) => `name ${n}`),
    );
    const session = await signedIn(app, 'admin');
    there.cookie = session.cookie;
    t.equal((await there.request('GET', '/api/sign')).statusCode, 200);
    await session.request('POST', '/api/sign/out');
    t.equal((await there.request('GET', '/api/sign')).statusCode, 401, 'above all, that a session is over');
  });

  await t.test('lists, joins, leaves and counts the last administrator', async (t) => {
    const { items } = (await client.request('GET', '/api/users?limit=100')).json();
    t.equal(items.length, 2);
    const { items: groups } = (await client.request('GET', '/api/groups')).json();
    const member = `/api/groups/${groups[0].id}/members/${items[1].id}`;
    t.equal((await client.request('PUT', member, { role: 'member' })).statusCode, 200);
    t.equal((await client.request('DELETE', member)).statusCode, 204);
    t.equal((await client.request('DELETE', `/api/users/${adminId}`)).statusCode, 409);
  });

  await t.test('has all tables in the engine that has transactions', async (t) => {
    const rows = await inDatabase(
      "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'THIS' AND ENGINE <> 'InnoDB'",
    );
    t.strictSame(rows, []);
  });
});
