/**
 * Keeps Rollcall's tables out of a database that belongs to another program, such as one that a mistyped DATABASE_URL names. On
 * MySQL they could not be taken away again without looking at each table.
 */
import { getTableName } from '../drizzle.ts';
import type { Engine, Query } from '../engines/engine.ts';
import { MigrationError } from './errors.ts';
import type { Migration } from './migrations.ts';
import type { Move } from './schema-state.ts';

/** What a downgrade to `base` leaves. */
const BOOKKEEPING = ['__drizzle_migrations', '__rollcall_unfinished', '__rollcall_migrator'];

/** How many names a message lists. */
const LISTED = 5;

/**
 * Call it before the first of the steps.
 * @throws {MigrationError} when a table that the steps create is there already, or when no migration of Rollcall is recorded and there
 * are other tables, unless the options accept these.
 */
export async function assertOwnDatabase(
  { engine, query, state, direction, options }: Omit<Move, 'run' | 'progress' | 'completed'>,
  steps: Migration[],
): Promise<void> {
  const { unfinished } = state;
  // What a migration that stopped halfway has created so far is there already.
  if ((unfinished && unfinished.state !== 'unchecked') || steps.length === 0) return;
  const tables = await listTables(engine, query);
  const created = createdTables(steps.flatMap((step) => step[direction] ?? []));
  const taken = tables.filter((name) => created.has(name.toLowerCase()));
  if (taken.length > 0)
    throw new MigrationError(
      `Rollcall needs the names of tables that the database has already, and that none of its migrations has made: ${listNames(taken)}. Two programs can't share a table: name another database in DATABASE_URL.`,
    );
  const others = tables.filter((name) => !BOOKKEEPING.includes(name.toLowerCase()));
  if (state.applied.length > 0 || others.length === 0 || options.besideOtherTables) return;
  throw new MigrationError(
    `The database has tables that are not Rollcall's: ${listNames(others)}. If DATABASE_URL names the right database, and Rollcall is to have its tables beside these, continue with "npm run manage -- db upgrade --beside-other-tables".`,
  );
}

function listNames(names: string[]): string {
  const more = names.length - LISTED;
  return `${names.slice(0, LISTED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** @returns one sentence for each table of the code that a database with its schema has not. */
export async function findMissingTables(engine: Engine): Promise<string[]> {
  const there = new Set((await listTables(engine, engine.query)).map((name) => name.toLowerCase()));
  const missing = Object.values(engine.tables)
    .map(getTableName)
    .filter((name) => !there.has(name));
  return missing.map(
    (name) => `The database has no table ${name}, which its migrations have made: restore a backup.`,
  );
}

/** @returns the names of all tables and views of the database. */
export async function listTables({ dialect }: Engine, query: Query): Promise<string[]> {
  const rows = await query(
    dialect === 'sqlite'
      ? "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
      : 'SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME',
  );
  return rows.map(({ name }) => String(name));
}

const CREATES = /^CREATE\s+TABLE\s+(?!IF\s)[`"]?(\w+)/i;
const REMOVES =
  /^(?:DROP\s+TABLE(?:\s+IF\s+EXISTS)?|RENAME\s+TABLE|ALTER\s+TABLE(?=.*\sRENAME\s+TO\s))\s+[`"]?(\w+)/is;

/** @returns the tables, in lower case, that must not be there before the statements run. Names are compared as SQLite does. */
function createdTables(statements: string[]): Set<string> {
  const created = new Set<string>();
  const removed = new Set<string>();
  for (const statement of statements) {
    const text = statement.replace(/^\s*--.*$/gm, '').trim();
    const name = CREATES.exec(text)?.[1]?.toLowerCase();
    if (name && !removed.has(name)) created.add(name);
    const gone = REMOVES.exec(text)?.[1]?.toLowerCase();
    if (gone) removed.add(gone);
  }
  return created;
}
