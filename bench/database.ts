/** Fills databases for the bench with users, each with a session. */
import { hash } from 'node:crypto';
import { makeHashing } from '../accounts/passwords/hashing.ts';
import { keyOf } from '../accounts/secrets.ts';
import { loadSettings } from '../config/load.ts';
import { PROJECT_ROOT } from '../config/project.ts';
import { openEngine, prepareQueries } from '../db/database.ts';
import { ensureSchema } from '../db/migrate/migrator.ts';
import { addToken } from '../test/support/optional.ts';
import { makeId, PASSWORD, sessionSecretOf, TOKEN, userId, usernameOf } from './people.ts';
import { range } from './requests.ts';

type Row = Record<string, string | number>;

const ROWS_PER_INSERT = 500;
const DAY = 24 * 60 * 60 * 1000;

const quote = (value: string | number) => (typeof value === 'string' ? `'${value}'` : String(value));

/** @param rows with the same columns. */
function insert(table: string, rows: Row[]): string {
  const columns = Object.keys(rows[0] ?? {}).map((name) => `\`${name}\``);
  const values = rows.map((row) => `(${Object.values(row).map(quote).join(', ')})`);
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${values.join(', ')}`;
}

function userRow(number: number, passwordHash: string, now: number): Row {
  const username = usernameOf(number);
  const email = `${username}@example.org`;
  const before = now - (number % 300) * DAY;
  return {
    ...{ id: userId(number), version: 1, active: 1, password_hash: passwordHash },
    ...{ created_at: before, updated_at: before, last_sign_in_at: now },
    ...{ username, username_key: username, username_search_key: username },
    ...{ name: `Name ${number}`, name_key: `name ${number}` },
    ...{ email, email_key: email, email_search_key: email },
  };
}

function sessionRow(number: number, now: number): Row {
  return {
    key: hash('sha256', sessionSecretOf(number), 'base64url'),
    id: makeId(number, 'b'),
    user_id: userId(number),
    ...{ created_at: now, last_seen_at: now, confirmed_at: now, expires_at: now + DAY, ends_at: now + DAY },
    ...{ remembered: 0, address: '127.0.0.1', user_agent: 'bench' },
  };
}

/** Opens a database as another process than the measured ones does. */
export function open(url: string) {
  const settings = loadSettings({ root: PROJECT_ROOT, environment: { DATABASE_URL: url } });
  return openEngine(settings, { create: true });
}

/**
 * Makes the tables in an empty database and the users, by long statements: rules would take hours for a million. The
 * first user has every permission and a token.
 */
export async function fill(url: string, count: number): Promise<void> {
  const engine = await open(url);
  await ensureSchema(engine, true);
  const passwordHash = await (await makeHashing()).hash(PASSWORD);
  const now = Date.now();
  await engine.withMigrationLock(async ({ run }) => {
    for (let first = 0; first < count; first += ROWS_PER_INSERT) {
      const numbers = range(first, Math.min(ROWS_PER_INSERT, count - first));
      await run(
        insert(
          'users',
          numbers.map((number) => userRow(number, passwordHash, now)),
        ),
      );
      await run(
        insert(
          'sessions',
          numbers.map((number) => sessionRow(number, now)),
        ),
      );
    }
  });
  const db = prepareQueries(engine);
  const id = makeId(0, 'c');
  const owner = userId(0);
  const token = { key: keyOf(TOKEN), id, userId: owner, name: 'bench', scopes: ['*'], expiresAt: null };
  await db.atomically([
    ...addToken(db, token, now),
    ...db.groups.add({ id, name: 'admins', title: '', permissions: ['*'] }, now),
    db.memberships.add({ groupId: id, userId: owner, role: 'manager' }, now),
  ]);
  await engine.close();
}
