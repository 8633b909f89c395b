/**
 * The connection of a process to an SQLite file. SQLite goes on with a file that was removed or replaced: its writes would be lost, and
 * other processes would see another database. So this connection looks whether its files are still in their places, gives them up
 * when they are not, and opens what is there then, with all statements that were prepared before.
 */
import type Sqlite from 'better-sqlite3';
import { DatabaseUnavailableError, WrongSchemaError } from '../engine.ts';
import { connect, useWriteAheadLog } from './connection.ts';
import { isBusy, translateError } from './errors.ts';
import { DatabaseFiles } from './file.ts';

/** All in milliseconds. */
const CHECK_INTERVAL = 200;
/**
 * How long a process waits before it opens the file again. By then the others have noticed the same, and have closed it as well: with the
 * old files open here and the new ones there, two processes would overwrite each other's changes.
 */
const SETTLE_TIME = 500;
/** How often a file that can't be written is opened anew. */
const RENEWAL_INTERVAL = 500;

/** A statement, made anew for each connection. */
export interface Prepared<Statement> {
  current: Statement;
}

export class ReopeningConnection {
  readonly #path: string;
  readonly #configure: (client: Sqlite.Database) => void;
  readonly #renewals: ((client: Sqlite.Database) => void)[] = [];
  readonly #timer: NodeJS.Timeout;
  #client: Sqlite.Database;
  #files: DatabaseFiles;
  /** Why the database can't serve, while the connection is closed. */
  #trouble: unknown;
  #closedAt = 0;
  #openedAt = performance.now();
  /** Whether the file may have been damaged. */
  #isSuspect = false;
  /** Whether the file was opened anew, and could not get a write-ahead log. */
  #lacksLog = false;

  /** @param configure is run with each connection. @throws {MissingDatabaseError} @throws {DatabaseUnavailableError} */
  constructor(path: string, client: Sqlite.Database, configure: (client: Sqlite.Database) => void) {
    this.#path = path;
    this.#configure = configure;
    this.#client = client;
    configure(client);
    this.#files = new DatabaseFiles(path, client);
    this.#timer = setInterval(() => this.#check(), CHECK_INTERVAL).unref();
  }

  /** @throws {DatabaseUnavailableError} while the file can't serve. */
  get client(): Sqlite.Database {
    this.assertOpen();
    return this.#client;
  }

  /** For reads, which rely on the regular checks. @throws {DatabaseUnavailableError} while the file can't serve. */
  assertOpen(): void {
    if (this.#trouble) throw this.#trouble;
  }

  /** For writes, none of which may go into a file that nobody else sees. @throws {DatabaseUnavailableError} */
  assertInPlace(): void {
    this.assertOpen();
    this.#giveUpChanged();
    this.assertOpen();
  }

  /** @returns the error to throw for one of a read: files that were replaced explain it better than what SQLite found in them. */
  explain(error: unknown): unknown {
    if (!this.#trouble) this.#giveUpChanged();
    return this.#trouble ?? translateError(error);
  }

  /** Makes a statement, or what else belongs to one connection, now and for each later connection. */
  prepare<Statement>(make: (client: Sqlite.Database) => Statement): Prepared<Statement> {
    const prepared = { current: make(this.client) };
    this.onReopen((client) => {
      prepared.current = make(client);
    });
    return prepared;
  }

  /** Calls back with each later connection. */
  onReopen(renew: (client: Sqlite.Database) => void): void {
    this.#renewals.push(renew);
  }

  /** Opens the file anew, which may have become writable since. @returns false when it has been opened just now. */
  renew(): boolean {
    if (this.#trouble || performance.now() - this.#openedAt < RENEWAL_INTERVAL) return false;
    this.#giveUp(new DatabaseUnavailableError(`the file ${this.#path} is opened anew.`), true);
    this.#open();
    return true;
  }

  close(): void {
    clearInterval(this.#timer);
    if (this.#trouble) return;
    this.#client.close();
    this.#files.close();
    this.#trouble = new DatabaseUnavailableError('the service stops.');
  }

  #check(): void {
    if (this.#trouble) {
      if (performance.now() - this.#closedAt >= SETTLE_TIME) this.#open();
      return;
    }
    this.#giveUpChanged();
    if (this.#lacksLog) this.renew();
  }

  #giveUpChanged(): void {
    const change = this.#files.findChange();
    if (change) this.#giveUp(new DatabaseUnavailableError(change.reason), change.isWhole);
  }

  /** @param isWhole whether SQLite can still copy the whole log into the database file. */
  #giveUp(trouble: unknown, isWhole: boolean): void {
    this.#trouble = trouble;
    this.#closedAt = performance.now();
    this.#isSuspect ||= !isWhole;
    for (const step of [
      // The file may come back, or go on without its log. In parts the log would make things worse.
      () => isWhole && this.#client.pragma('wal_checkpoint(PASSIVE)'),
      // While this connection keeps others from beginning a new log.
      () => this.#files.discardUselessLog(),
      () => this.#client.close(),
      () => this.#files.close(),
    ])
      try {
        step();
      } catch {
        // What is wrong with the file is told when it is opened.
      }
  }

  #open(): void {
    let client: Sqlite.Database | undefined;
    let files: DatabaseFiles | undefined;
    try {
      // While its folder could not be written, the log of another file may have stayed.
      this.#files.discardUselessLog();
      client = connect(this.#path, { create: false });
      files = new DatabaseFiles(this.#path, client);
      if (this.#isSuspect) assertSound(this.#path, client);
      this.#configure(client);
      for (const renew of this.#renewals) renew(client);
      // A copy has none.
      this.#lacksLog = !useWriteAheadLog(client);
      // Another process may still have a truncated log open.
      const change = files.findChange();
      if (change) throw new DatabaseUnavailableError(change.reason);
      this.#files = files;
      this.#client = client;
      this.#openedAt = performance.now();
      this.#trouble = undefined;
      this.#isSuspect = false;
    } catch (error) {
      client?.close();
      files?.close();
      this.#closedAt = performance.now();
      if (!isBusy(error)) this.#trouble = unusable(this.#path, translateError(error));
    }
  }
}

/** @throws {DatabaseUnavailableError} for a file that lacks pages, which SQLite would find out only where it reads them. */
function assertSound(path: string, client: Sqlite.Database): void {
  const fault = client.pragma('quick_check(1)', { simple: true });
  if (fault !== 'ok') throw new DatabaseUnavailableError(`the file ${path} is damaged: ${fault}.`);
}

/** @returns the error for a file of which some statements can't be prepared: it is not of this version, or not of Rollcall. */
function unusable(path: string, error: unknown): unknown {
  if (!(error instanceof WrongSchemaError)) return error;
  return new DatabaseUnavailableError(
    `the file ${path} that is there now has another schema: ${error.message}`,
  );
}
