/**
 * An operator may have changed the server's defaults for SQL mode, character set, time zone, transactions and storage
 * engine. The service must behave the same with any of them.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { RowDataPacket } from 'mysql2/promise';
import { MissingReferenceError } from '../../../../db/engines/engine.ts';
import { FAST_FLAGS, onOwnServer } from '../../../support/own-server.ts';
import {
  Client,
  makeUser,
  PASSWORD,
  quickHashing,
  signedIn,
  startService,
} from '../../../support/service.ts';
import { databaseName } from '../../../support/test-server.ts';

const EMOJI = 'Zoë 🧑‍🚀 \\ "quoted" 日本';

/** Each comment says what would go wrong. The names are MariaDB's; MySQL ignores an unknown flag with --loose-. */
const FLAGS = [
  // Too long values are truncated, and backslashes and quotes have another meaning.
  '--sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT',
  // Tables and connections use latin1, whatever the client requests.
  '--character-set-server=latin1',
  '--collation-server=latin1_swedish_ci',
  '--loose-skip-character-set-client-handshake',
  '--default-time-zone=+05:30',
  // The server refuses writes at this isolation level with a statement-based binary log.
  '--transaction-isolation=READ-COMMITTED',
  '--log-bin',
  '--server-id=1',
  '--binlog-format=STATEMENT',
  // Reads keep the snapshot of the first use of the connection.
  '--autocommit=OFF',
  '--completion-type=CHAIN',
  // Tables support neither transactions nor foreign keys.
  '--default-storage-engine=MyISAM',
  '--loose-sql-safe-updates=ON',
  // Commits do not wait for the disk; this only makes the test faster.
  ...FAST_FLAGS.slice(0, 1),
];

onOwnServer('The service works on a server with unusual defaults', FLAGS, async (t, server) => {
  // There is no flag for this variable. (--init-connect can't set it here: the server skips it for root.)
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

  await t.test('Text keeps every Unicode character', async (t) => {
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
    t.equal(row?.hex, Buffer.from(EMOJI).toString('hex').toUpperCase(), 'it is stored as UTF-8');
  });

  await t.test('Times in answers are the current time in UTC', async (t) => {
    const before = Date.now();
    const { user, session } = (await new Client(app).signIn('admin')).json();
    for (const time of [user.lastSignInAt, session.createdAt, session.lastSeenAt]) {
      t.ok(Date.parse(time) >= before && Date.parse(time) <= Date.now(), time);
    }
  });

  await t.test('A value that is too long is refused, not truncated', async (t) => {
    const fields = { name: '', email: null, active: true, passwordHash: null };
    const username = 'x'.repeat(65);
    await t.rejects(
      app.db.atomically([app.db.users.add({ id: randomUUIDv7(), username, ...fields }, Date.now())]),
      /ER_DATA_TOO_LONG/,
    );
  });

  await t.test('A transaction rolls back all writes when one fails', async (t) => {
    const group = { id: randomUUIDv7(), name: 'first', title: '', permissions: ['users:write'] };
    const duplicate = { ...group, id: randomUUIDv7() };
    const now = Date.now();
    await t.rejects(
      app.db.atomically([...app.db.groups.add(group, now), ...app.db.groups.add(duplicate, now)]),
      {
        name: 'DuplicateError',
        index: 'groups_name',
      },
    );
    t.equal(await app.db.groups.find(group.id), undefined);
  });

  await t.test('Foreign keys delete dependent rows and refuse a missing parent', async (t) => {
    const id = await makeUser(app, 'bob', { admin: true });
    const bob = await signedIn(app, 'bob');
    t.equal((await client.request('DELETE', `/api/users/${id}`)).statusCode, 204);
    t.equal((await bob.request('GET', '/api/sign')).statusCode, 401);
    const dependents = `SELECT (SELECT COUNT(*) FROM THIS.sessions WHERE user_id = '${id}') AS sessions,
                         (SELECT COUNT(*) FROM THIS.memberships WHERE user_id = '${id}') AS memberships`;
    const [row] = await inDatabase(dependents);
    t.match(row, { sessions: 0, memberships: 0 });
    const orphan = app.db.groups.setPermissions(randomUUIDv7(), ['users:write']);
    await t.rejects(app.db.atomically(orphan), new MissingReferenceError());
  });

  await t.test('A worker sees at once what another worker has written', async (t) => {
    const otherClient = new Client(other.app);
    otherClient.cookie = client.cookie;
    const seen: string[] = [];
    for (let n = 0; n < 8; n++) {
      await client.request('PATCH', `/api/users/${adminId}`, { name: `name ${n}` });
      seen.push((await otherClient.request('GET', `/api/users/${adminId}`)).json().name);
    }
    t.strictSame(
      seen,
      seen.map((_, n) => `name ${n}`),
    );
    const session = await signedIn(app, 'admin');
    otherClient.cookie = session.cookie;
    t.equal((await otherClient.request('GET', '/api/sign')).statusCode, 200);
    await session.request('POST', '/api/sign/out');
    t.equal(
      (await otherClient.request('GET', '/api/sign')).statusCode,
      401,
      'a session that ended on one worker is refused by the other',
    );
  });

  await t.test('Lists, memberships and the rule of the last administrator work', async (t) => {
    const { items } = (await client.request('GET', '/api/users?limit=100')).json();
    t.equal(items.length, 2);
    const { items: groups } = (await client.request('GET', '/api/groups')).json();
    const member = `/api/groups/${groups[0].id}/members/${items[1].id}`;
    t.equal((await client.request('PUT', member, { role: 'member' })).statusCode, 200);
    t.equal((await client.request('DELETE', member)).statusCode, 204);
    t.equal((await client.request('DELETE', `/api/users/${adminId}`)).statusCode, 409);
  });

  await t.test('All tables use InnoDB', async (t) => {
    const rows = await inDatabase(
      "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'THIS' AND ENGINE <> 'InnoDB'",
    );
    t.strictSame(rows, []);
  });
});
