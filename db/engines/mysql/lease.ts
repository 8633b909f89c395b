/**
 * The lock of migrators on a Galera cluster, where GET_LOCK holds on one node only: a row, which its owner changes every second. A row
 * that stays as it is belongs to a migrator that is gone, so no clocks are compared. While a statement changes a table, no row of the
 * cluster can be changed; the owner's next change then comes before that of a migrator who has waited.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise';
import { DatabaseUnavailableError, DuplicateError, type Query, WrongSchemaError } from '../engine.ts';
import { isConflict, translateError } from './errors.ts';

const TABLE = '__rollcall_migrator';
const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS ${TABLE} (id int NOT NULL PRIMARY KEY, owner char(36) NOT NULL, beat int NOT NULL)`;

/** How often the owner changes the row, and how long it stays as it is before another takes it. In milliseconds. */
const BEAT = 1_000;
const LEASE = 10_000;

/** @returns what is in the row; undefined when there is none. */
async function readLease(query: Query): Promise<string | undefined> {
  try {
    const [row] = await query(`SELECT owner, beat FROM ${TABLE}`);
    return row && `owner = '${row.owner}' AND beat = ${row.beat}`;
  } catch (error) {
    if (translateError(error) instanceof WrongSchemaError) return undefined;
    throw error;
  }
}

/** @returns whether a migrator is at work on any node. It takes LEASE to see that one is gone. */
export async function isLeased(query: Query): Promise<boolean> {
  const first = await readLease(query);
  for (const deadline = Date.now() + LEASE; first !== undefined && Date.now() < deadline; await delay(BEAT)) {
    const now = await readLease(query);
    if (now !== first) return now !== undefined;
  }
  return false;
}

export class MigratorLease {
  readonly #owner = randomUUID();
  readonly #connection: Connection;
  #renewedAt = 0;
  #failure: unknown;
  #isEnded = false;

  /** @param connection has no other use, since the row changes while the migrator's statements run. The end of the lease destroys it. */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Takes the row, and changes it from then on. @param timeout in milliseconds. @returns whether it became free in time. */
  async take(timeout: number): Promise<boolean> {
    await this.#write(CREATE_TABLE);
    let seen: string | undefined;
    let seenAt = 0;
    for (const deadline = Date.now() + timeout; Date.now() < deadline; await delay(BEAT / 4)) {
      const found = await this.#read();
      if (found !== seen) [seen, seenAt] = [found, Date.now()];
      if (found && Date.now() - seenAt < LEASE) continue;
      const take = found
        ? `UPDATE ${TABLE} SET owner = '${this.#owner}', beat = beat + 1 WHERE ${found}`
        : `INSERT INTO ${TABLE} VALUES (1, '${this.#owner}', 0)`;
      if ((await this.#write(take)) !== 1) continue;
      this.#renewedAt = Date.now();
      void this.#goOn();
      return true;
    }
    return false;
  }

  async #goOn(): Promise<void> {
    try {
      for (; !this.#isEnded; await delay(BEAT, undefined, { ref: false })) await this.#beat();
    } catch (error) {
      this.#failure = error;
    }
  }

  /** Must precede each statement of the migrator. @throws {DatabaseUnavailableError} when the row is not its own any more. */
  async renew(): Promise<void> {
    while (this.#failure === undefined && Date.now() - this.#renewedAt >= BEAT) await this.#beat();
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #beat(): Promise<void> {
    const rows = await this.#write(`UPDATE ${TABLE} SET beat = beat + 1 WHERE owner = '${this.#owner}'`);
    if (rows === 0)
      throw new DatabaseUnavailableError(
        'another process migrates it, since this one stood still for too long.',
      );
    if (rows === 1) this.#renewedAt = Date.now();
  }

  async end(): Promise<void> {
    this.#isEnded = true;
    // If it fails, or the server hangs, the next migrator waits until the row has stayed as it is.
    const removed = this.#write(`DELETE FROM ${TABLE} WHERE owner = '${this.#owner}'`).catch(() => {});
    await Promise.race([removed, delay(BEAT, undefined, { ref: false })]);
    this.#connection.destroy();
  }

  /** @returns the row, or that a statement of another migrator keeps all who read waiting. */
  async #read(): Promise<string | undefined> {
    try {
      return await readLease(
        async (statement) => (await this.#connection.query<RowDataPacket[]>(statement))[0],
      );
    } catch (error) {
      if (isConflict(error)) return `unknown at ${Date.now()}`;
      throw translateError(error);
    }
  }

  /** @returns how many rows were changed; undefined when another migrator was first, or changed the table. */
  async #write(statement: string): Promise<number | undefined> {
    try {
      return (await this.#connection.query<ResultSetHeader>(statement))[0].affectedRows;
    } catch (error) {
      const translated = translateError(error);
      if (isConflict(error) || translated instanceof DuplicateError) return undefined;
      throw translated;
    }
  }
}
