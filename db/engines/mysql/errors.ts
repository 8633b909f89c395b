/**
 * What the errors of a MySQL or MariaDB server, and of mysql2, mean to us: what may be tried again, what was never
 * answered, and which of our own errors they become.
 */
import { DatabaseUnavailableError, DuplicateError, MissingReferenceError } from '../engine.ts';

const DUPLICATE_ENTRY = 1062;
const NO_REFERENCED_ROW = 1452;
const DEADLOCK = 1213;
const LOCK_WAIT_TIMEOUT = 1205;

/** 1053 server shutdown, 1927 connection killed, 1317 query interrupted: what became of the statement is not certain. */
const INTERRUPTED = [1053, 1927, 1317];

/**
 * Answers after which another connection may do better. 1040 and 1203 too many connections, 4031 idle too long; and
 * 1290, 1792, 1836 read-only: after a failover the address may lead to another server already, but this connection
 * does not.
 */
const LOST = new Set([...INTERRUPTED, 1040, 1203, 4031, 1290, 1792, 1836]);

/** Access denied to the server or the database, no such database, host not allowed. */
const NOT_ADMITTED = [1044, 1045, 1049, 1130];

/** The server's own limits: 1969 and 3024 time for a statement, 1021 disk full, 1114 table full, 1047 out of its cluster. */
const LIMITS = [1969, 3024, 1021, 1114, 1047];

const UNAVAILABLE = new Set([...NOT_ADMITTED, ...LIMITS]);

/** The transaction had been asked to commit when the connection was lost: it may have taken effect. */
export class UnknownOutcomeError extends Error {}

function errnoOf(error: unknown): number {
  return error instanceof Error && 'errno' in error ? Number(error.errno) : 0;
}

function hasState(error: unknown): boolean {
  return error instanceof Error && 'sqlState' in error && typeof error.sqlState === 'string';
}

function isFatal(error: unknown): boolean {
  return error instanceof Error && 'fatal' in error && error.fatal === true;
}

/** Whether the server itself answered with an error: the connection is sound. */
export function isServerError(error: unknown): boolean {
  return hasState(error) && !isLost(error);
}

/** Whether the server refused a statement, so that it has certainly not taken effect. */
export function isRefusal(error: unknown): boolean {
  return hasState(error) && !isFatal(error) && !INTERRUPTED.includes(errnoOf(error));
}

/** Whether a lock was waited for in vain. */
export function isLockTimeout(error: unknown): boolean {
  return errnoOf(error) === LOCK_WAIT_TIMEOUT;
}

/** Whether the transaction was undone because others stood in its way, and can be done again from its beginning. */
export function isConflict(error: unknown): boolean {
  return errnoOf(error) === DEADLOCK || isLockTimeout(error);
}

/** Whether the connection was lost or never made; mysql2 marks as fatal whatever ends a connection. */
export function isLost(error: unknown): boolean {
  return error instanceof Error && (LOST.has(errnoOf(error)) || isFatal(error));
}

/** @returns our error for a database that can't be had; the message names what failed and no value. */
export function unavailable(error: unknown): DatabaseUnavailableError {
  if (error instanceof DatabaseUnavailableError) return error;
  const reason =
    error instanceof Error
      ? error.message || String('code' in error ? error.code : error.name)
      : String(error);
  return new DatabaseUnavailableError(`${reason}.`);
}

/** @returns our own error for what the server or the driver says; drizzle's carry the query's values, which may be secrets. */
export function translated(error: unknown): unknown {
  const cause =
    error instanceof Error && error.cause && !(error instanceof UnknownOutcomeError) ? error.cause : error;
  if (cause instanceof UnknownOutcomeError) return new DatabaseUnavailableError(`${cause.message}.`, false);
  if (cause instanceof Error && errnoOf(cause) === DUPLICATE_ENTRY) {
    // MySQL names the index with its table, MariaDB without. Before it comes the value, in which anything may stand.
    const index = /for key '(?:[^'.]*\.)?([^']*)'$/.exec(cause.message)?.[1] ?? '';
    return new DuplicateError(index);
  }
  if (cause instanceof Error && errnoOf(cause) === NO_REFERENCED_ROW) return new MissingReferenceError();
  const timedOut = cause instanceof Error && 'code' in cause && cause.code === 'PROTOCOL_SEQUENCE_TIMEOUT';
  if (timedOut || isLost(cause) || isConflict(cause)) return unavailable(cause);
  if (!(cause instanceof Error && 'sqlState' in cause)) return cause;
  if (UNAVAILABLE.has(errnoOf(cause))) return unavailable(cause);
  // mysql2's errors carry the statement with its values, and the server's message may quote one.
  const code = 'code' in cause ? String(cause.code) : '';
  return new Error(`The database refused a statement: ${code} (error ${errnoOf(cause)}).`);
}
