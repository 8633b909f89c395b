/**
 * Classifies the errors of MySQL, MariaDB and mysql2: which are retryable, which leave the outcome unknown, and which
 * of the engine's errors they become.
 */
import { codeOf, reasonOf } from '../../../config/errors.ts';
import {
  DatabaseUnavailableError,
  DuplicateError,
  MissingReferenceError,
  MissingRightError,
  ReadOnlyError,
  WrongSchemaError,
} from '../engine.ts';

const DUPLICATE_ENTRY = 1062;
const NO_REFERENCED_ROW = 1452;
const UNKNOWN_COLUMN = 1054;
const NO_SUCH_TABLE = 1146;
/** On a table, and on a column. */
const RIGHT_DENIED = [1142, 1143];
const LOCK_WAIT_TIMEOUT = 1205;

/**
 * The server has undone the transaction, or can: 1213 a deadlock, or a conflict of two nodes; 1020 a row changed since the
 * snapshot (MariaDB's innodb_snapshot_isolation); 1412 a migration changed the table; 3101 Group Replication refused it.
 */
const CONFLICTS = [1213, LOCK_WAIT_TIMEOUT, 1020, 1412, 3101];

/** A failover may have left the server read-only: by read_only, in a read-only transaction, or by innodb_read_only. */
const READ_ONLY = [1290, 1792, 1836];

/** The server serves nobody at present: 1053, 1077 and 1079 it shuts down, 1047 the node is outside of its cluster's majority. */
const SERVER_DOWN = [1053, 1077, 1079, 1047];

/** The statement's outcome is unknown: 1927 and 3169 connection killed, 1317 query interrupted, 1180 an error during COMMIT. */
const INTERRUPTED = [1053, 1077, 1079, 1927, 3169, 1317, 1180];

/**
 * Another connection may succeed after these. Besides the above: 1040, 1203 and 1226 too many connections, 1129 host blocked,
 * 1135 no thread, 1152 to 1161 and 1184 a broken connection, 4031 idle for too long.
 */
const LOST = new Set([
  ...[...INTERRUPTED, ...SERVER_DOWN, ...READ_ONLY, 1040, 1203, 1226, 1129, 1135],
  ...[1152, 1155, 1156, 1157, 1158, 1159, 1160, 1161, 1184, 4031],
]);

/**
 * 1044 and 1045 access denied, 1049 unknown database, 1130 host not allowed, 1969 and 3024 statement timeout, 1021 disk full,
 * 1030 an error of the storage, 1037, 1038 and 1041 out of memory, 1114 table full, 1206 and 1637 too many locks or transactions.
 */
const UNAVAILABLE = new Set([
  ...[1044, 1045, 1049, 1130, 1969, 3024, 1021, 1030, 1037, 1038, 1041, 1114, 1206, 1637],
]);

/** The connection was lost during COMMIT, so the transaction may have taken effect. */
export class UnknownOutcomeError extends Error {}

/** No server of DATABASE_URL answers. */
export class NoServerError extends DatabaseUnavailableError {
  /** Whether one may answer soon: it did not refuse, such as a wrong password. */
  readonly isRetryable: boolean;
  /** Since when, in milliseconds since 1970. */
  readonly since: number;
  /** @param reasons each server with why. */
  constructor(reasons: string, isRetryable: boolean, since: number) {
    super(`${reasons}.`);
    this.isRetryable = isRetryable;
    this.since = since;
  }
}

function errnoOf(error: unknown): number {
  return error instanceof Error && 'errno' in error ? Number(error.errno) : 0;
}

function hasState(error: unknown): boolean {
  return error instanceof Error && 'sqlState' in error && typeof error.sqlState === 'string';
}

function isFatal(error: unknown): boolean {
  return error instanceof Error && 'fatal' in error && error.fatal === true;
}

/** @returns whether the server answered, if only with an error. */
export function isAnswer(error: unknown): boolean {
  return hasState(error);
}

/** @returns whether the server answered with an error that leaves the connection usable. */
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

/** @returns whether the transaction can run again on the same server, since others were in its way. */
export function isConflict(error: unknown): boolean {
  return CONFLICTS.includes(errnoOf(error));
}

/** @returns whether the server refused to write. That undoes the transaction, at COMMIT as well. */
export function isReadOnly(error: unknown): boolean {
  return READ_ONLY.includes(errnoOf(error));
}

/** @returns whether no connection to the server is of use at present. */
export function isServerDown(error: unknown): boolean {
  return SERVER_DOWN.includes(errnoOf(error));
}

/** @returns whether the connection was lost or never made. mysql2 marks errors that end a connection as fatal. */
export function isLost(error: unknown): boolean {
  if (error instanceof NoServerError) return error.isRetryable;
  return error instanceof Error && (LOST.has(errnoOf(error)) || isFatal(error));
}

/** @returns the error with a message that says what failed and contains no value. */
export function toUnavailableError(error: unknown): DatabaseUnavailableError {
  return error instanceof DatabaseUnavailableError
    ? error
    : new DatabaseUnavailableError(`${reasonOf(error)}.`);
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
  if (isReadOnly(error)) return new ReadOnlyError();
  const timedOut = codeOf(error) === 'PROTOCOL_SEQUENCE_TIMEOUT';
  if (timedOut || isLost(error) || isConflict(error)) return toUnavailableError(error);
  if (!('sqlState' in error)) return error;
  if (UNAVAILABLE.has(errno)) return toUnavailableError(error);
  // mysql2's errors carry the statement with its values, and the server's message may quote one.
  return new Error(`The database refused a statement: ${codeOf(error)} (error ${errno}).`);
}
