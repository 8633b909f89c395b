/** The interface of both engines, so that queries and rules are written once, and the errors that they throw. */
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import type { Tables } from '../schema/tables.ts';
import type { BuiltQuery, SelectQuery, Values } from './statement.ts';

export type { Tables } from '../schema/tables.ts';

/** How many rows a step must write or find for its transaction to commit. */
export type Rows = number | 'any' | 'some';

/** A prepared write or condition with its values, ready for `atomically`. */
export interface Step {
  readonly rows: Rows;
}

/** What an engine makes of a step. Each has a class of its own, and so refuses the steps of another. */
export class PreparedStep<Statement> implements Step {
  readonly statement: Statement;
  readonly params: unknown[];
  readonly rows: Rows;
  constructor(statement: Statement, params: unknown[], rows: Rows) {
    this.statement = statement;
    this.params = params;
    this.rows = rows;
  }
}

/** Runs a reading statement. @throws {WrongSchemaError} @throws {DatabaseUnavailableError} */
export type Query = (statement: string) => Promise<Record<string, unknown>[]>;

/** A connection that holds the migration lock. */
export interface MigrationConnection {
  /** The values take the places of the question marks. */
  query: (statement: string, values?: unknown[]) => ReturnType<Query>;
  /** @throws {DatabaseUnavailableError} when the outcome is unknown; any other error means that nothing changed. */
  run(statement: string, values?: unknown[]): Promise<void>;
}

/** Reads all rows of a table, as they are needed. */
export type TableReader = (table: string) => Iterable<TableRow> | AsyncIterable<TableRow>;

/** The values of a row by the names of their columns: text, numbers and null, which both engines write alike. */
export type TableRow = Record<string, unknown>;

/** Reads by the value `key` alone. Callers share the result and must not change it. */
type CachedRead<Result extends object> = (values: { key: string }) => Promise<Readonly<Result> | undefined>;

/** The part of an engine that prepares reading queries. */
export interface Reader {
  /** Prepares a reading query. @returns a function from its values to its rows. */
  read<Row>(query: SelectQuery<Row>): (values?: Values) => Promise<Row[]>;
  /** Prepares a query that finds at most one row. */
  readOne<Row>(query: SelectQuery<Row>): (values?: Values) => Promise<Row | undefined>;
  /**
   * `readOne`, whose row SQLite's engine caches until the database changes. It may be of the state that another cached read gave
   * before it in the same callback of the event loop.
   */
  readOneCached<Row extends object>(query: SelectQuery<Row>): CachedRead<Row>;
  /** Prepares queries of the same columns, whose rows come in one round trip. */
  readAll<Row>(queries: [SelectQuery<Row>, ...SelectQuery<Row>[]]): (values: Values) => Promise<Row[]>;
  /**
   * Prepares a query for one parent row and one for its children, which come in one round trip.
   * @returns a function that gives both, the children in any order, or undefined when there is no parent.
   */
  readWith<Parent, Child>(
    parent: SelectQuery<Parent>,
    children: SelectQuery<Child>,
  ): (values: Values) => Promise<{ parent: Parent; children: Child[] } | undefined>;
  /** `readWith` of the current state, mapped by `combine`. SQLite's engine caches it until the database changes. */
  readWithCached<Parent, Child, Result extends object>(
    parent: SelectQuery<Parent>,
    children: SelectQuery<Child>,
    combine: (parent: Parent, children: Child[]) => Result,
  ): CachedRead<Result>;
}

/** How busy the pool of connections is. */
export interface PoolUse {
  inUse: number;
  idle: number;
  /** How many requests wait for a connection. */
  waiting: number;
}

export interface Engine extends Reader {
  readonly dialect: 'sqlite' | 'mysql';
  readonly tables: Tables;
  /** drizzle's query builder. Building costs far more than running, so build each query once. */
  readonly build: BetterSQLite3Database;
  /** Prepares a writing query. @returns a function from its values to a step for `atomically`. */
  write(query: BuiltQuery, rows: Rows): (values: Values) => Step;
  /** Prepares a query that must find some rows, or none. It locks the rows that it finds until the transaction ends. */
  condition(query: BuiltQuery, rows: 'some' | 0): (values: Values) => Step;
  /**
   * Runs the steps in order in one transaction.
   * @returns undefined after COMMIT; after ROLLBACK the first step with an unexpected number of rows.
   * @throws {DuplicateError} @throws {MissingReferenceError} @throws {DatabaseUnavailableError}
   */
  atomically(steps: Step[]): Promise<Step | undefined>;
  /**
   * Writes as requests do, but changes nothing: what keeps them from writing makes it fail.
   * @throws {DatabaseUnavailableError}
   */
  tryWrite(): Promise<void>;
  /** Runs a reading statement once, without preparing it. */
  readonly query: Query;
  /**
   * Runs the work in its own connection, which holds the lock that all migrators of all processes take. It does not
   * enforce foreign keys, because rebuilding a table would cascade to those that refer to it: the work must check
   * `brokenReferences`, by the connection's query.
   */
  withMigrationLock<Result>(work: (connection: MigrationConnection) => Promise<Result>): Promise<Result>;
  /**
   * @param tables the tables whose foreign keys are checked, in lower case; the database may have tables of other programs.
   * @returns one message for each foreign key that has dangling references, or lacks an index that it needs.
   */
  brokenReferences(query: Query, tables: ReadonlySet<string>): Promise<string[]>;
  /** @returns whether another process is migrating, where its unfinished changes are visible (MySQL). */
  isMigrating(): Promise<boolean>;
  /**
   * Lets several processes read while one writes (SQLite's WAL mode; MySQL always does). The file keeps the mode, so call it only once
   * the database is known to be Rollcall's.
   */
  useWriteAheadLog(): Promise<void>;
  /** Copies the write-ahead log (WAL) into the database file (SQLite); does nothing on MySQL. */
  checkpoint(): Promise<void>;
  /** Runs work that reads whole tables in one state of the database, which may change meanwhile. @throws {DatabaseUnavailableError} */
  readSnapshot<Result>(work: (readTable: TableReader) => Promise<Result>): Promise<Result>;
  /** @returns how busy this process's pool is; undefined on SQLite, which has none. */
  poolUse(): PoolUse | undefined;
  close(): Promise<void>;
}

/** A write would duplicate a key of a unique index. */
export class DuplicateError extends Error {
  /** The index's name, composed of its table and columns (users_email_key), or PRIMARY for a primary key. */
  readonly index: string;
  constructor(index: string) {
    super(`The unique index ${index} holds this key already.`);
    this.name = 'DuplicateError';
    this.index = index;
  }
}

/** A write violates a foreign key. */
export class MissingReferenceError extends Error {
  constructor() {
    super('The write refers to a row that does not exist.');
    this.name = 'MissingReferenceError';
  }
}

export class DatabaseUnavailableError extends Error {
  /** False when the connection was lost during COMMIT, so that the transaction may have taken effect. */
  readonly unchanged: boolean;
  constructor(reason: string, unchanged = true, what = "The database can't serve at present:") {
    super(`${what} ${reason}`);
    this.name = new.target.name;
    this.unchanged = unchanged;
  }
}

/** The database can be read, but not written: a replica, or a disk that takes no writes. */
export class ReadOnlyError extends DatabaseUnavailableError {
  constructor() {
    super('no server takes writes.', true, 'The database is read-only:');
  }
}

/** A statement names a table or column that the database does not have. */
export class WrongSchemaError extends DatabaseUnavailableError {
  readonly missing: 'table' | 'column';
  constructor(missing: 'table' | 'column', reason: string) {
    super(`${reason}.`, true, 'The database has not the schema that this version expects:');
    this.missing = missing;
  }
}

/** The database's user lacks a right on a table (MySQL). */
export class MissingRightError extends DatabaseUnavailableError {
  /** @param what the right and the table, such as "the right INSERT on the table `rollcall`.`users`". */
  constructor(what: string) {
    const advice = 'docs/migrations.md lists the rights that the service needs.';
    super(`${what}. ${advice}`, true, "The database's user lacks");
  }
}

/** There is no database, and it may not be created. */
export class MissingDatabaseError extends DatabaseUnavailableError {
  constructor(url: string) {
    super(`${url}. "npm run manage -- db upgrade" makes it.`, true, 'There is no database at');
  }
}

/** @returns whether `count` is the number of rows that the step must write or find. */
export function hasExpectedRows({ rows }: Step, count: number): boolean {
  if (rows === 'any') return true;
  return rows === 'some' ? count > 0 : count === rows;
}
