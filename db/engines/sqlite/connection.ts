/** Connections to the file of an SQLite database, and how they wait for the locks of other processes. */
import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { reasonOf } from '../../../config/errors.ts';
import { createFolder } from '../../../config/folder.ts';
import { DatabaseUnavailableError, MissingDatabaseError } from '../engine.ts';
import { isBusy, isReadOnly, translateError } from './errors.ts';

/** In milliseconds. SQLite's own wait for a lock blocks the event loop, so `retryWhileBusy` does most of it. */
export const BUSY_TIMEOUT = 5;
export const LOCK_TIMEOUT = 5_000;

/** The size to which a checkpoint truncates the WAL file, in bytes. */
export const JOURNAL_SIZE_LIMIT = 64 * 1024 * 1024;

/**
 * Opens the file, and changes it only if it is empty and may be created: it may belong to another program.
 * @param create whether to create a missing file and folder.
 * @throws {MissingDatabaseError} @throws {DatabaseUnavailableError}
 */
export function connect(path: string, { create }: { create: boolean }): Sqlite.Database {
  if (!create && !existsSync(path)) throw new MissingDatabaseError(`sqlite:${path}`);
  let client: Sqlite.Database | undefined;
  try {
    if (create) {
      createFolder(dirname(path));
      // SQLite would create a file that other users can read. The WAL file inherits this mode.
      closeSync(openSync(path, 'a', 0o600));
    }
    client = new Sqlite(path, { timeout: BUSY_TIMEOUT, fileMustExist: true });
    // The first read, which tells whether the file is a database.
    client.pragma('schema_version');
    if (create && statSync(path).size === 0) useWriteAheadLog(client);
    client.pragma('synchronous = NORMAL');
    client.pragma('foreign_keys = ON');
    client.pragma(`journal_size_limit = ${JOURNAL_SIZE_LIMIT}`);
    return client;
  } catch (error) {
    client?.close();
    if (isBusy(error)) throw error;
    throw new DatabaseUnavailableError(
      `the file ${path} that DATABASE_URL names can't be opened: ${reasonOf(error)}.`,
    );
  }
}

/**
 * Readers and a writer then do not block each other. The file keeps this mode.
 * @returns false for a file that can only be read, which serves as it is.
 */
export function useWriteAheadLog(client: Sqlite.Database): boolean {
  try {
    return client.pragma('journal_mode = WAL', { simple: true }) === 'wal';
  } catch (error) {
    if (isReadOnly(error)) return false;
    throw error;
  }
}

/** Retries with growing pauses until the deadline while another process holds the lock. */
export async function retryWhileBusy<Result>(
  attempt: () => Result,
  deadline = Date.now() + LOCK_TIMEOUT,
): Promise<Result> {
  for (let pause = 5; ; pause = Math.min(pause * 2, 200)) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || Date.now() > deadline) throw translateError(error);
    }
    await delay(pause * (0.5 + Math.random()));
  }
}
