/**
 * Makes the keys of usernames, names and e-mail addresses anew: by full case folding, and domains as DNS compares them
 * (db/text.ts). The way down makes them as version 0003 did, by functions that are kept here.
 */
import type { DataConnection } from '../../migrate/data.ts';
import type { Direction } from '../../migrate/migrations.ts';
import { normalizeIdentifier, searchPrefix } from '../../text.ts';

type Row = Record<string, unknown>;
type Identifier = 'username' | 'email';

const PAGE = 1000;
/** The length of the columns that the search compares. */
const PREFIX_LENGTH = 64;

function identifierOf0003(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC');
}

function prefixOf0003(text: string): string {
  return beginningOf(identifierOf0003(text).trim());
}

function prefixOf0004(text: string): string {
  return beginningOf(searchPrefix(text));
}

function beginningOf(text: string): string {
  return [...text].slice(0, PREFIX_LENGTH).join('').trimEnd();
}

const IDENTIFIERS = { up: normalizeIdentifier, down: identifierOf0003 };

/** The columns that are made of others: of which, and how. */
const KEYS = {
  up: [
    { column: 'username_key', of: 'username', make: normalizeIdentifier },
    { column: 'username_search_key', of: 'username', make: prefixOf0004 },
    { column: 'name_key', of: 'name', make: prefixOf0004 },
    { column: 'email_key', of: 'email', make: normalizeIdentifier },
    { column: 'email_search_key', of: 'email', make: prefixOf0004 },
  ],
  down: [
    { column: 'username_key', of: 'username', make: identifierOf0003 },
    { column: 'name_key', of: 'name', make: prefixOf0003 },
    { column: 'email_key', of: 'email', make: identifierOf0003 },
  ],
};

/** The longest keys of version 0003, in characters. */
const LONGEST_OF_0003 = { username: 64, email: 254 };

/**
 * @returns a line for each username or e-mail address that two users or more would have, and for each whose key would not fit into the
 * columns of version 0003.
 */
export async function findObstacles(connection: DataConnection, direction: Direction): Promise<string[]> {
  if (!(await connection.hasTable('users'))) return [];
  const makeKey = IDENTIFIERS[direction];
  const lines = [
    ...(await findEqual(connection, 'username', makeKey)).map(
      (users) => `These usernames would be the same: ${users.map((user) => user.username).join(', ')}.`,
    ),
    ...(await findEqual(connection, 'email', makeKey)).map(
      (users) =>
        `These e-mail addresses would be the same: ${users.map((user) => `${user.email} (of ${user.username})`).join(', ')}.`,
    ),
  ];
  if (lines.length > 0)
    lines.push('Change or remove all but one of each, with the version that runs now. Then try again.');
  return [...lines, ...(direction === 'down' ? await findTooLong(connection) : [])];
}

async function findTooLong(connection: DataConnection): Promise<string[]> {
  const lines: string[] = [];
  for await (const user of allUsers(connection)) {
    for (const field of ['username', 'email'] as const) {
      const key = keyFor(user, field, identifierOf0003) ?? '';
      if ([...key].length > LONGEST_OF_0003[field])
        lines.push(
          `The ${field} ${user[field]} of the user ${user.id} is too long for version 0003. Shorten it first.`,
        );
    }
  }
  return lines;
}

/** @returns groups of users who would have the same key. In each, at least one would get another key than now. */
async function findEqual(
  connection: DataConnection,
  field: Identifier,
  makeKey: (text: string) => string,
): Promise<Row[][]> {
  const isKept = (user: Row, key: string) => key === user[`${field}_key`];
  const byKey = new Map<string, Row[]>();
  for await (const user of allUsers(connection)) {
    const key = keyFor(user, field, makeKey);
    if (key !== null && !isKept(user, key)) byKey.set(key, [...(byKey.get(key) ?? []), user]);
  }
  if (byKey.size === 0) return [];
  for await (const user of allUsers(connection)) {
    const key = keyFor(user, field, makeKey);
    if (key !== null && isKept(user, key)) byKey.get(key)?.push(user);
  }
  return [...byKey.values()].filter((users) => users.length > 1);
}

function keyFor(user: Row, field: string, makeKey: (text: string) => string): string | null {
  const value = user[field];
  return value === null || value === undefined ? null : makeKey(String(value));
}

export async function up(connection: DataConnection): Promise<void> {
  // For most users these are right, and one statement is much faster than one for each of them.
  await connection.run(
    `UPDATE users SET username_search_key = SUBSTR(username_key, 1, ${PREFIX_LENGTH}), email_search_key = SUBSTR(email_key, 1, ${PREFIX_LENGTH})`,
  );
  await setKeys(connection, 'up');
}

export function down(connection: DataConnection): Promise<void> {
  return setKeys(connection, 'down');
}

async function setKeys(connection: DataConnection, direction: Direction): Promise<void> {
  for await (const user of allUsers(connection)) {
    const wrong = KEYS[direction]
      .map(({ column, of, make }) => ({ column, value: keyFor(user, of, make) }))
      .filter(({ column, value }) => user[column] !== value);
    if (wrong.length === 0) continue;
    const assignments = wrong.map(({ column }) => `${column} = ?`).join(', ');
    const values = wrong.map(({ value }) => value);
    await connection.run(`UPDATE users SET ${assignments} WHERE id = ?`, [...values, user.id]);
  }
}

async function* allUsers({ query }: DataConnection): AsyncGenerator<Row> {
  for (let after: unknown = ''; after !== undefined; ) {
    const rows = await query(`SELECT * FROM users WHERE id > ? ORDER BY id LIMIT ${PAGE}`, [after]);
    yield* rows;
    after = rows.at(-1)?.id;
  }
}
