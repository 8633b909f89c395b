/** Fills databases for the bench with users, each with a session. */

import { createHmac, hash } from 'node:crypto';
import { makeHashing } from '../accounts/passwords/hashing.ts';
import { keyOf, makeSecret } from '../accounts/secrets.ts';
import { tokensIn } from '../accounts/tokens.ts';
import { loadSettings } from '../config/load.ts';
import { PROJECT_ROOT } from '../config/project.ts';
import { makeSecret as newKey } from '../config/secret.ts';
import { openEngine, prepareQueries } from '../db/database.ts';
import { ensureSchema } from '../db/migrate/migrator.ts';

/** All measured servers sign their cookies with this key. */
export const SECRET_KEY = newKey();
export const PASSWORD = 'correct horse battery staple';

const ROWS_PER_INSERT = 500;
const DAY = 24 * 60 * 60 * 1000;

export interface Filled {
  url: string;
  /** The ids of all users, in order. */
  ids: string[];
  /** The first user's group. That user manages it and has every permission. */
  group: string;
  /** @returns a user's Cookie header. */
  cookieOf(number: number): string;
  /** The first user's cookie for Rollcall, their cookie for the stock service, and their API token. */
  cookie: string;
  stockCookie: string;
  token: string;
}

/** @returns an id in the form of a UUIDv7. Ids sort by their number. */
function idOf(number: number, kind: string): string {
  const digits = (Date.UTC(2026, 0, 1) + number).toString(16).padStart(12, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8)}-7000-8000-${kind}${number.toString(16).padStart(11, '0')}`;
}

const sessionSecretOf = (number: number) => hash('sha256', `${SECRET_KEY} ${number}`, 'base64url');

const quote = (value: string | number | null) => (typeof value === 'string' ? `'${value}'` : String(value));

const insert = (table: string, columns: string[], rows: (string | number | null)[][]) =>
  `INSERT INTO ${table} (${columns.map((name) => `\`${name}\``).join(', ')}) VALUES ${rows
    .map((row) => `(${row.map(quote).join(', ')})`)
    .join(', ')}`;

/** Makes the users with these ids, each with a session, by long statements: rules would take hours for a million. */
async function insertUsers(
  run: (statement: string) => Promise<void>,
  ids: string[],
  passwordHash: string,
  now: number,
): Promise<void> {
  const userColumns =
    'id version created_at updated_at username username_key username_search_key name name_key email email_key email_search_key';
  const sessionColumns = 'key id user_id created_at last_seen_at confirmed_at expires_at ends_at remembered';
  for (let first = 0; first < ids.length; first += ROWS_PER_INSERT) {
    const some = ids
      .slice(first, first + ROWS_PER_INSERT)
      .map((id, index) => ({ id, number: first + index }));
    const users = some.map(({ id, number }) => {
      const name = `user${number}`;
      const email = `${name}@example.org`;
      const keys = [name, name, name, `Name ${number}`, `name ${number}`, email, email, email];
      return [id, 1, now - (number % 300) * DAY, now - (number % 30) * DAY, ...keys, passwordHash, 1, now];
    });
    const sessions = some.map(({ id, number }) => {
      const key = hash('sha256', sessionSecretOf(number), 'base64url');
      const times = [now, now, now, now + DAY, now + DAY];
      return [key, idOf(number, 'b'), id, ...times, 0, '127.0.0.1', 'bench'];
    });
    await run(
      insert('users', [...userColumns.split(' '), 'password_hash', 'active', 'last_sign_in_at'], users),
    );
    await run(insert('sessions', [...sessionColumns.split(' '), 'address', 'user_agent'], sessions));
  }
}

/** Creates the tables in the empty database at that URL and fills them. */
export async function fill(url: string, count: number): Promise<Filled> {
  const settings = loadSettings({ root: PROJECT_ROOT, environment: { DATABASE_URL: url } });
  const engine = await openEngine(settings, { create: true });
  await ensureSchema(engine, true);
  const passwordHash = await (await makeHashing()).hash(PASSWORD);
  const now = Date.now();
  const ids = Array.from({ length: count }, (_, number) => idOf(number, 'a'));
  await engine.withMigrationLock(({ run }) => insertUsers(run, ids, passwordHash, now));
  const token = makeSecret('rc_');
  const db = prepareQueries(engine);
  const [userId = ''] = ids;
  const group = { id: idOf(0, 'c'), name: 'admins', title: '', permissions: ['*'] };
  await db.atomically([
    tokensIn(db).add(
      { key: keyOf(token), id: idOf(0, 'd'), userId, name: 'bench', scopes: ['*'], expiresAt: null },
      now,
    ),
    ...db.groups.add(group, now),
    db.memberships.add({ groupId: group.id, userId, role: 'manager' }, now),
  ]);
  await engine.close();
  const signed = (number: number, encoding: 'base64' | 'base64url') => {
    const secret = sessionSecretOf(number);
    const signature = createHmac('sha256', SECRET_KEY).update(secret).digest(encoding);
    return `${secret}.${signature.replace(/=+$/, '')}`;
  };
  const cookieOf = (number: number) => `rollcall=${signed(number, 'base64url')}`;
  return {
    url,
    ids,
    group: group.id,
    token,
    cookieOf,
    cookie: cookieOf(0),
    stockCookie: `stock=${encodeURIComponent(signed(0, 'base64'))}`,
  };
}

/** In milliseconds. */
const WRITE_INTERVAL = 10;

/** Opens its own connection, as another process would. */
async function openForChanges(url: string) {
  const engine = await openEngine(loadSettings({ root: PROJECT_ROOT, environment: { DATABASE_URL: url } }));
  const db = prepareQueries(engine);
  const [user] = await db.users.page('', 1);
  if (!user) throw new Error('There is no user to change.');
  let { version } = user;
  const change = () => db.atomically([db.users.change({ ...user, version: version++ }, Date.now())]);
  return { change, close: () => engine.close() };
}

export async function writeOnce(url: string): Promise<void> {
  const { change, close } = await openForChanges(url);
  await change().finally(close);
}

/** Changes one user repeatedly. @returns a function that stops it. */
export async function keepWriting(url: string): Promise<() => Promise<void>> {
  const { change, close } = await openForChanges(url);
  let last: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    last = last.then(change);
  }, WRITE_INTERVAL);
  return async () => {
    clearInterval(timer);
    await last;
    await close();
  };
}
