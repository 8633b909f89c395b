import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import type * as schema from '../schema/index.sqlite.ts';
import type { BuiltQuery, SelectQuery, Values } from './statement.ts';

export type Tables = typeof schema;

/** How many rows a step must write, or find, for its list to take effect. */
export type Rows = number | 'any' | 'some';

/** A prepared statement with its values, ready to be part of a list that happens as a whole: a write, or a condition. */
export interface Step {
  readonly rows: Rows;
}

/** Runs a statement that reads. */
export type Query = (statement: string) => Promise<Record<string, unknown>[]>;

/** A connection that holds the migrators' lock. */
export interface MigrationConnection {
  query: Query;
  /** @throws {DatabaseUnavailableError} when it is not known whether the statement took effect; else why it did not. */
  run(statement: string): Promise<void>;
  /** @returns which rows refer to nothing, in sentences for the reader. */
  brokenReferences(): Promise<string[]>;
}

/** Reads by one value what is there now. The result is shared: callers must not change it. */
export type CachedRead<Made extends object> = (values: Values) => Promise<Readonly<Made> | undefined>;

export interface Engine {
  readonly dialect: 'sqlite' | 'mysql';
  readonly tables: Tables;
  /** drizzle's query builder. Building costs many times what running does: build once, with `read` and `write`. */
  readonly build: BetterSQLite3Database;
  /** Prepares a query that reads. @returns a function of its values that gives the rows. */
  read<Row>(query: SelectQuery<Row>): (values?: Values) => Promise<Row[]>;
  /** The same for a query that finds one row at most. */
  readOne<Row>(query: SelectQuery<Row>): (values?: Values) => Promise<Row | undefined>;
  /**
   * The same for one that is asked again and again with the same value, the only one that it has: where the engine can tell, at
   * less cost, that nothing has changed meanwhile, it gives the row that it gave before.
   */
  readOneCached<Row extends object>(query: SelectQuery<Row>): CachedRead<Row>;
  /** Prepares queries of the same columns for all of their rows: one statement, where each statement is a round trip. */
  readAll<Row>(queries: [SelectQuery<Row>, ...SelectQuery<Row>[]]): (values: Values) => Promise<Row[]>;
  /**
   * Prepares two queries, for one thing and for a list of what belongs to it, in the same way.
   * @returns a function that gives both, the list in any order; undefined when the thing is not there.
   */
  readWith<Thing, Row>(
    thing: SelectQuery<Thing>,
    list: SelectQuery<Row>,
  ): (values: Values) => Promise<{ thing: Thing; list: Row[] } | undefined>;
  /** `readWith` and `readOneCached` in one, for what is made of the thing and its list. */
  readWithCached<Thing, Row, Made extends object>(
    thing: SelectQuery<Thing>,
    list: SelectQuery<Row>,
    make: (thing: Thing, list: Row[]) => Made,
  ): CachedRead<Made>;
  /** Prepares a query that writes. @returns a function of its values that gives a step for `atomically`. */
  write(query: BuiltQuery, rows: Rows): (values: Values) => Step;
  /**
   * Prepares a condition: a query that must find a row, or none. It locks what it finds until the list has happened.
   * @returns a function of its values that gives a step for `atomically`.
   */
  condition(query: BuiltQuery, rows: 'some' | 0): (values: Values) => Step;
  /**
   * Runs all the steps in one transaction, in their order, or none of them.
   * @returns undefined when all took effect, else the first step that wrote or found another number of rows than it must.
   * @throws {DuplicateError} when a unique key exists already. @throws {DatabaseUnavailableError}
   */
  atomically(steps: Step[]): Promise<Step | undefined>;
  /** Reads once what is not worth preparing. */
  readonly query: Query;
  /**
   * Runs the work in a connection of its own that no other migrator, in any process, runs beside. Foreign keys are
   * not enforced meanwhile (or rebuilding a table would empty those that refer to it): the work has to look at them.
   */
  exclusively<Result>(work: (connection: MigrationConnection) => Promise<Result>): Promise<Result>;
  /** @returns whether some process works in such a connection, where others can see what it has not finished. */
  isMigrating(): Promise<boolean>;
  /** Copies what the log of recent writes holds into the database file, where the engine has such a log. */
  checkpoint(): Promise<void>;
  /** Copies the database into a new file while it is in use. @throws where the engine has a tool of its own for that. */
  backup(file: string): Promise<void>;
  close(): Promise<void>;
}

/** A unique index holds that key already. */
export class DuplicateError extends Error {
  /** The index's name, which is made of its table and columns (users_email_key); PRIMARY is a table's primary key. */
  readonly index: string;
  constructor(index: string) {
    super(`The unique index ${index} holds this key already.`);
    this.name = 'DuplicateError';
    this.index = index;
  }
}

/** What the write would refer to has been removed. */
export class MissingReferenceError extends Error {
  constructor() {
    super('What this would refer to is not there.');
    this.name = 'MissingReferenceError';
  }
}

/** The database can't be reached or can't serve at present. */
export class DatabaseUnavailableError extends Error {
  /** Whether nothing was changed for certain: false if the connection was lost while the end was being written. */
  readonly unchanged: boolean;
  constructor(reason: string, unchanged = true) {
    super(`The database can't serve at present: ${reason}`);
    this.name = 'DatabaseUnavailableError';
    this.unchanged = unchanged;
  }
}

/** @returns whether this many rows are what the step must write or find. */
export function hasRows({ rows }: Step, count: number): boolean {
  if (rows === 'any') return true;
  return rows === 'some' ? count > 0 : count === rows;
}
