/** What migrations need of SQLite: a lock against other migrators on this file, and a check of the foreign keys. */
import type Sqlite from 'better-sqlite3';
import type { MigrationConnection } from '../engine.ts';
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
    const result = await work({
      query: (statement) =>
        retryWhileBusy(() => connection.prepare<[], Record<string, unknown>>(statement).all()),
      run: async (statement) => {
        connection.exec(statement);
      },
      brokenReferences: async () => brokenReferences(connection),
    });
    // Unless the file is in WAL mode, a reader can hold the commit up.
    await retryWhileBusy(() => connection.exec('COMMIT'));
    return result;
  } finally {
    // This also rolls back a transaction that did not commit.
    connection.close();
  }
}

/** @returns one message for each foreign key with dangling references. */
function brokenReferences(connection: Sqlite.Database): string[] {
  const broken = connection.prepare<[], { table: string; parent: string }>('PRAGMA foreign_key_check').all();
  const counts = new Map<string, number>();
  for (const { table, parent } of broken) {
    const which = `rows of table ${table} refer to rows of ${parent} that are not there.`;
    counts.set(which, (counts.get(which) ?? 0) + 1);
  }
  return [...counts].map(([which, count]) => `${count} ${which}`);
}
