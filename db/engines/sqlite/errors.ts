/** Classifies SQLite's errors, and translates them to the engine's. */
import Sqlite from 'better-sqlite3';
import {
  DatabaseUnavailableError,
  DuplicateError,
  MissingReferenceError,
  WrongSchemaError,
} from '../engine.ts';

/** @returns whether another process holds the lock, so that a retry may succeed. */
export function isBusy(error: unknown): boolean {
  return error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY');
}

/** @returns whether the file, its folder or its connection can't be written. */
export function isReadOnly(error: unknown): boolean {
  return error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_READONLY');
}

/** @returns the engine's error for one of SQLite's, without the query's values, which may be secrets. */
export function translateError(error: unknown): unknown {
  if (!(error instanceof Sqlite.SqliteError)) return error;
  const { code, message } = error;
  if (code === 'SQLITE_CONSTRAINT_PRIMARYKEY') return new DuplicateError('PRIMARY');
  if (code === 'SQLITE_CONSTRAINT_FOREIGNKEY') return new MissingReferenceError();
  if (code === 'SQLITE_CONSTRAINT_UNIQUE') {
    // The message lists table.column pairs. An index's name consists of the same (see test/db/parity.test.ts).
    const columns = message.replace(/^.*failed: /, '').split(', ');
    const table = columns[0]?.split('.')[0];
    return new DuplicateError([table, ...columns.map((column) => column.split('.')[1])].join('_'));
  }
  // SQLite has no code of its own for these.
  const missing = /^no such (table|column)|^table \S+ has no (column)/.exec(message);
  if (missing) return new WrongSchemaError(missing[1] === 'table' ? 'table' : 'column', message);
  if (/^SQLITE_(BUSY|LOCKED|IOERR|FULL|CANTOPEN|READONLY|CORRUPT|NOTADB|NOMEM)/.test(code)) {
    return new DatabaseUnavailableError(`${message} (${code}).`);
  }
  return error;
}
