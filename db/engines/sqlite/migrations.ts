/** What migrations need of SQLite: a lock against other migrators on this file, and a check of the foreign keys. */
import type Sqlite from 'better-sqlite3';
import type { MigrationConnection, Query } from '../engine.ts';
import { connect, retryWhileBusy } from './connection.ts';

/** In milliseconds. */
const MIGRATION_LOCK_TIMEOUT = 120_000;

/** Runs the work with a connection whose transaction is the migration lock. @throws {DatabaseUnavailableError} */
export async function withMigrationLock<Result>(
  path: string,
  work: (connection: MigrationConnection) => Promise<Result>,
): Promise<Result> {
  const connection = await retryWhileBusy(() => connect(path, { create: false }));
  try {
    connection.pragma('foreign_keys = OFF');
    await retryWhileBusy(() => connection.exec('BEGIN IMMEDIATE'), Date.now() + MIGRATION_LOCK_TIMEOUT);
    // A restore runs the same long statement thousands of times, and each one that is prepared stays in memory for long.
    const prepared = new Map<string, Sqlite.Statement>();
    const prepareOnce = (statement: string) => {
      const found = prepared.get(statement) ?? connection.prepare(statement);
      prepared.set(statement, found);
      return found;
    };
    const result = await work({
      query: (statement, values = []) =>
        retryWhileBusy(() =>
          connection.prepare<unknown[], Record<string, unknown>>(statement).all(...values),
        ),
      run: async (statement, values) => {
        if (values) prepareOnce(statement).run(...values);
        else connection.exec(statement);
      },
    });
    // Unless the file is in WAL mode, a reader can hold the commit up.
    await retryWhileBusy(() => connection.exec('COMMIT'));
    return result;
  } finally {
    // This also rolls back a transaction that did not commit.
    connection.close();
  }
}

/** @returns one message for each table that a foreign key of these tables refers to in vain. */
export async function brokenReferences(query: Query, tables: ReadonlySet<string>): Promise<string[]> {
  const existing = await query("SELECT name FROM sqlite_master WHERE type = 'table'");
  const broken: string[] = [];
  for (const name of existing.map((table) => String(table.name))) {
    if (!tables.has(name.toLowerCase())) continue;
    broken.push(...(await countOrphans(query, name)));
  }
  return broken;
}

async function countOrphans(query: Query, table: string): Promise<string[]> {
  try {
    const orphans = await query(`PRAGMA foreign_key_check("${table}")`);
    return [...Map.groupBy(orphans, ({ parent }) => parent)].map(
      ([parent, { length }]) =>
        `${length} rows of table ${table} refer to rows of ${parent} that are not there.`,
    );
  } catch (error) {
    // What is referred to needs a unique index; without it each change of the table fails.
    if (error instanceof Error && error.message.startsWith('foreign key mismatch'))
      return [`${error.message}: what is referred to needs a unique index.`];
    throw error;
  }
}
