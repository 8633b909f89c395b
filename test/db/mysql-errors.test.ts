/**
 * What each error of MySQL, MariaDB and mysql2 means: whether the work runs again, on the same server or on another, and what a
 * caller is told. Real errors where the server of the tests can make them; the others by their numbers.
 */
import mysql, { type Connection } from 'mysql2/promise';
import { test } from 'tap';
import {
  isAnswer,
  isConflict,
  isLost,
  isReadOnly,
  isServerDown,
  isServerError,
  translateError,
  UnknownOutcomeError,
} from '../../db/engines/mysql/errors.ts';
import { engines } from '../support/engines.ts';

/** @returns the kinds of an error, in the order in which they matter. */
function kindsOf(error: unknown): string[] {
  const kinds = { isConflict, isReadOnly, isServerDown, isLost, isServerError, isAnswer };
  return Object.entries(kinds).flatMap(([kind, applies]) => (applies(error) ? [kind] : []));
}

const nameOf = (error: unknown) => (error instanceof Error ? error.name : String(error));

const AGAIN = ['isConflict', 'isServerError', 'isAnswer'];
const ELSEWHERE = ['isLost', 'isAnswer'];
const WRITE_ELSEWHERE = ['isReadOnly', ...ELSEWHERE];
const LEAVE = ['isServerDown', ...ELSEWHERE];
const GIVE_UP = ['isServerError', 'isAnswer'];
const BROKEN = ['isLost'];

interface Meaning {
  kinds: string[];
  becomes: string;
}

const unavailable = (kinds: string[]): Meaning => ({ kinds, becomes: 'DatabaseUnavailableError' });
const readOnly: Meaning = { kinds: WRITE_ELSEWHERE, becomes: 'ReadOnlyError' };
const own = (becomes: string): Meaning => ({ kinds: GIVE_UP, becomes });

/** Errors that the server of the tests can't make, by number. */
const BY_NUMBER: [Meaning, number[]][] = [
  [unavailable(AGAIN), [1020, 1205, 1213, 1412, 3101]],
  [readOnly, [1290, 1792, 1836]],
  [unavailable(LEAVE), [1047, 1053, 1077, 1079]],
  [
    unavailable(ELSEWHERE),
    [1040, 1129, 1135, 1152, 1156, 1158, 1159, 1160, 1161, 1180, 1184, 1203, 1226, 1317, 1927, 3169, 4031],
  ],
  [
    unavailable(GIVE_UP),
    [1021, 1030, 1037, 1038, 1041, 1044, 1045, 1049, 1114, 1130, 1206, 1637, 1969, 3024],
  ],
  [own('Error'), [1064, 1406]],
];

test('Each number of an error has its meaning', async (t) => {
  for (const [{ kinds, becomes }, numbers] of BY_NUMBER)
    for (const errno of numbers) {
      const error = Object.assign(new Error('secret value'), { errno, sqlState: 'HY000', code: 'ER_X' });
      t.strictSame(kindsOf(error), kinds, `error ${errno}`);
      t.equal(nameOf(translateError(error)), becomes, `error ${errno}`);
    }
  const lost = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', fatal: true });
  t.strictSame(kindsOf(lost), BROKEN);
  t.strictSame(kindsOf(new UnknownOutcomeError('', { cause: lost })), [], 'an unknown outcome is final');
  t.match(translateError(new UnknownOutcomeError('')), { unchanged: false });
});

for (const engine of engines.filter(({ name }) => name === 'MySQL'))
  test('Real errors of the server and the driver have their meaning', async (t) => {
    const url = await engine.makeDatabase(t);
    const connect = async (more: mysql.ConnectionOptions = {}) => {
      const connection = await mysql.createConnection({ uri: url, ...more });
      connection.on('error', () => {});
      t.teardown(() => connection.destroy());
      return connection;
    };
    const [one, other] = [await connect(), await connect()];
    await one.query('CREATE TABLE parents (id INT PRIMARY KEY, n INT)');
    await one.query('CREATE TABLE children (id INT PRIMARY KEY, FOREIGN KEY (id) REFERENCES parents (id))');
    await one.query('INSERT INTO parents VALUES (1, 1), (2, 2)');
    const [[row]] = await one.query<mysql.RowDataPacket[]>('SELECT VERSION() AS version');
    const isMariaDb = String(row?.version).includes('MariaDB');
    const { host } = new URL(url);

    const cases: Record<string, Meaning & { provoke: () => Promise<unknown> }> = {
      'a deadlock': { ...unavailable(AGAIN), provoke: () => deadlock(one, other) },
      'a lock that is not released': {
        ...unavailable(AGAIN),
        async provoke() {
          await one.query('START TRANSACTION');
          await one.query('UPDATE parents SET n = 3 WHERE id = 1');
          await other.query('SET SESSION innodb_lock_wait_timeout = 1');
          return other.query('UPDATE parents SET n = 4 WHERE id = 1').finally(() => one.query('ROLLBACK'));
        },
      },
      ...(isMariaDb
        ? {
            'a row that changed since the snapshot': {
              ...unavailable(AGAIN),
              provoke: () => snapshotConflict(one, other),
            },
          }
        : {}),
      'a write in a read-only transaction': {
        ...readOnly,
        async provoke() {
          await one.query('START TRANSACTION READ ONLY');
          return one.query('DELETE FROM children').finally(() => one.query('ROLLBACK'));
        },
      },
      'a key that exists': {
        ...own('DuplicateError'),
        provoke: () => one.query('INSERT INTO parents VALUES (1, 1)'),
      },
      'a parent that does not exist': {
        ...own('MissingReferenceError'),
        provoke: () => one.query('INSERT INTO children VALUES (9)'),
      },
      'a table that is not there': {
        ...own('WrongSchemaError'),
        provoke: () => one.query('SELECT 1 FROM nowhere'),
      },
      'a column that is not there': {
        ...own('WrongSchemaError'),
        provoke: () => one.query('SELECT nothing FROM parents'),
      },
      'a full table in memory': {
        ...unavailable(GIVE_UP),
        async provoke() {
          await one.query('SET SESSION max_heap_table_size = 16384');
          await one.query('CREATE TEMPORARY TABLE small (text CHAR(250)) ENGINE = MEMORY');
          for (let row = 0; row < 1000; row++) await one.query("INSERT INTO small VALUES ('x')");
        },
      },
      'a database that does not exist': {
        ...unavailable(GIVE_UP),
        provoke: () => connect({ uri: `mysql://root@${host}/nowhere` }),
      },
      'a wrong password': {
        ...unavailable(GIVE_UP),
        provoke: () => connect({ uri: `mysql://nobody:wrong@${host}/nowhere` }),
      },
      'a statement that was killed': {
        ...unavailable(ELSEWHERE),
        provoke: () => one.query('KILL QUERY CONNECTION_ID()'),
      },
      'a connection that was killed': {
        ...unavailable(ELSEWHERE),
        provoke: () => one.query('KILL CONNECTION_ID()'),
      },
      'a connection that is gone': { ...unavailable(BROKEN), provoke: () => one.query('SELECT 1') },
      'no answer in time': {
        ...unavailable([]),
        provoke: () => other.query({ sql: 'SELECT SLEEP(1)', timeout: 20 }),
      },
      'a port where nobody listens': {
        ...unavailable(BROKEN),
        provoke: () => connect({ uri: 'mysql://root@127.0.0.1:1/nowhere' }),
      },
    };
    for (const [what, { kinds, becomes, provoke }] of Object.entries(cases))
      await t.test(`The error is classified: ${what}`, async (t) => {
        const error: unknown = await provoke().then(
          () => 'no error',
          (thrown) => thrown,
        );
        t.strictSame(kindsOf(error), kinds, String(error));
        t.equal(nameOf(translateError(error)), becomes);
      });
  });

async function deadlock(one: Connection, other: Connection): Promise<unknown> {
  for (const each of [one, other]) await each.query('START TRANSACTION');
  await one.query('UPDATE parents SET n = 3 WHERE id = 1');
  await other.query('UPDATE parents SET n = 3 WHERE id = 2');
  const attempts = [
    one.query('UPDATE parents SET n = 4 WHERE id = 2'),
    other.query('UPDATE parents SET n = 4 WHERE id = 1'),
  ];
  const outcomes = await Promise.allSettled(attempts);
  for (const each of [one, other]) await each.query('ROLLBACK');
  const failed = outcomes.find(({ status }) => status === 'rejected');
  return failed?.status === 'rejected' ? Promise.reject(failed.reason) : undefined;
}

async function snapshotConflict(one: Connection, other: Connection): Promise<unknown> {
  await one.query('SET SESSION innodb_snapshot_isolation = ON');
  await one.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
  await other.query('UPDATE parents SET n = n + 1 WHERE id = 1');
  return one.query('UPDATE parents SET n = n + 1 WHERE id = 1').finally(() => one.query('ROLLBACK'));
}
