/**
 * Classifies the errors of MySQL, MariaDB and mysql2: which are retryable, which leave the outcome unknown, and which
 * of the engine's errors they become.
 */
import {
  DatabaseUnavailableError,
  DuplicateError,
  MissingReferenceError,
  MissingRightError,
  WrongSchemaError,
} from '../engine.ts';

const DUPLICATE_ENTRY = 1062;
const NO_REFERENCED_ROW = 1452;
const UNKNOWN_COLUMN = 1054;
const NO_SUCH_TABLE = 1146;
/** On a table, and on a column. */
const RIGHT_DENIED = [1142, 1143];
const DEADLOCK = 1213;
const LOCK_WAIT_TIMEOUT = 1205;

/** 1053 server shutdown, 1927 connection killed, 1317 query interrupted: the statement's outcome is unknown. */
const INTERRUPTED = [1053, 1927, 1317];

/**
 * Another connection may succeed after these: 1040 and 1203 too many connections, 4031 idle too long, and 1290, 1792,
 * 1836 read-only, because after a failover a new connection may reach the new primary.
 */
const LOST = new Set([...INTERRUPTED, 1040, 1203, 4031, 1290, 1792, 1836]);

/**
 * 1044 and 1045 access denied, 1049 unknown database, 1130 host not allowed, 1969 and 3024 statement timeout, 1021 disk full,
 * 1114 table full, 1047 node outside the primary component.
 */
const UNAVAILABLE = new Set([1044, 1045, 1049, 1130, 1969, 3024, 1021, 1114, 1047]);

/** The connection was lost during COMMIT, so the transaction may have taken effect. */
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

/** @returns whether the server answered with an error, so that the connection is usable. */
export function isServerError(error: unknown): boolean {
  return hasState(error) && !isLost(error);
}

/** @returns whether the server refused the statement, so that it certainly had no effect. */
export function isRefusal(error: unknown): boolean {
  return hasState(error) && !isFatal(error) && !INTERRUPTED.includes(errnoOf(error));
}

export function isLockTimeout(error: unknown): boolean {
  return errnoOf(error) === LOCK_WAIT_TIMEOUT;
}

/** @returns whether the server rolled the transaction back because of locks, so that it can run again. */
export function isConflict(error: unknown): boolean {
  return errnoOf(error) === DEADLOCK || isLockTimeout(error);
}

/** @returns whether the connection was lost or never made. mysql2 marks errors that end a connection as fatal. */
export function isLost(error: unknown): boolean {
  return error instanceof Error && (LOST.has(errnoOf(error)) || isFatal(error));
}

/** @returns the error with a message that says what failed and contains no value. */
export function toUnavailableError(error: unknown): DatabaseUnavailableError {
  const reason =
    error instanceof Error
      ? error.message || String('code' in error ? error.code : error.name)
      : String(error);
  return new DatabaseUnavailableError(`${reason}.`);
}

/** @returns the right that the server denied, and what it is on; undefined for another error. */
export function findMissingRight(error: unknown): string | undefined {
  if (!(error instanceof Error) || !RIGHT_DENIED.includes(errnoOf(error))) return undefined;
  const [, right, thing] =
    /^(.+?) command denied to user .* for ((?:table|column) .+)$/.exec(error.message) ?? [];
  return right && thing ? `the right ${right} on the ${thing}` : `a right: ${error.message}`;
}

/** @returns the engine's error for one of the server or driver, without the query's values, which may be secrets. */
export function translateError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (error instanceof UnknownOutcomeError) return new DatabaseUnavailableError(`${error.message}.`, false);
  const errno = errnoOf(error);
  if (errno === DUPLICATE_ENTRY) {
    // MySQL prefixes the index with its table, MariaDB does not. The value before it may contain any text.
    const index = /for key '(?:[^'.]*\.)?([^']*)'$/.exec(error.message)?.[1] ?? '';
    return new DuplicateError(index);
  }
  if (errno === NO_REFERENCED_ROW) return new MissingReferenceError();
  if ([NO_SUCH_TABLE, UNKNOWN_COLUMN].includes(errno))
    return new WrongSchemaError(errno === NO_SUCH_TABLE ? 'table' : 'column', error.message);
  const right = findMissingRight(error);
  if (right) return new MissingRightError(right);
  const timedOut = 'code' in error && error.code === 'PROTOCOL_SEQUENCE_TIMEOUT';
  if (timedOut || isLost(error) || isConflict(error)) return toUnavailableError(error);
  if (!('sqlState' in error)) return error;
  if (UNAVAILABLE.has(errno)) return toUnavailableError(error);
  // mysql2's errors carry the statement with its values, and the server's message may quote one.
  const code = 'code' in error ? String(error.code) : '';
  return new Error(`The database refused a statement: ${code} (error ${errno}).`);
}
