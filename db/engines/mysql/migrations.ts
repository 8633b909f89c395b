/** What migrations need of MySQL: a connection with a lock against other migrators on any host. */
import type { RowDataPacket } from 'mysql2/promise';
import { DatabaseUnavailableError, type MigrationConnection, type Query } from '../engine.ts';
import { findMissingRight, isLockTimeout, isRefusal, toUnavailableError, translateError } from './errors.ts';
import { isLeased, MigratorLease } from './lease.ts';
import { Servers } from './servers.ts';

/** How long a migrator waits for another one, in seconds. */
const MIGRATION_LOCK_TIMEOUT = 120;
/**
 * How long ALTER TABLE waits for a table's users, in seconds. All later statements on the table wait behind it, so
 * this is shorter than the service's timeout for statements. The server's default is a day.
 */
const TABLE_LOCK_TIMEOUT = 10;

const LOCK = "CONCAT('rollcall ', MD5(DATABASE()))";

/** @returns whether any process is migrating the database. */
export async function isMigrating(query: Query): Promise<boolean> {
  const [row] = await query(`SELECT IS_USED_LOCK(${LOCK}) AS holder`);
  if (row !== undefined && row.holder !== null) return true;
  const [galera] = await query("SHOW VARIABLES LIKE 'wsrep_on'");
  return galera?.Value === 'ON' && isLeased(query);
}

/** Runs the work with a connection that holds the migration lock. @throws {DatabaseUnavailableError} */
export async function withMigrationLock<Result>(
  url: string,
  work: (connection: MigrationConnection) => Promise<Result>,
): Promise<Result> {
  const servers = new Servers(url);
  const { connection, isGalera } = await servers.open();
  let lease: MigratorLease | undefined;
  const query: MigrationConnection['query'] = async (statement, values) => {
    try {
      const [rows] = await connection.query<RowDataPacket[]>(statement, values);
      return rows;
    } catch (error) {
      throw translateError(error);
    }
  };
  // The end of the connection would do it, but the server may notice that later than the next command asks.
  const release = () => query(`SELECT RELEASE_LOCK(${LOCK})`).catch(() => {});
  try {
    const [row] = await query(`SELECT GET_LOCK(${LOCK}, ${MIGRATION_LOCK_TIMEOUT}) AS locked`);
    if (isGalera) lease = new MigratorLease((await servers.open()).connection);
    if (row?.locked !== 1 || (await lease?.take(MIGRATION_LOCK_TIMEOUT * 1000)) === false) {
      throw new DatabaseUnavailableError(
        `another process has been migrating it for ${MIGRATION_LOCK_TIMEOUT} seconds.`,
      );
    }
    await query(`SET SESSION foreign_key_checks = 0, lock_wait_timeout = ${TABLE_LOCK_TIMEOUT}`);
    const result = await work({
      query,
      async run(statement, values) {
        await lease?.renew();
        try {
          await connection.query(statement, values);
        } catch (error) {
          throw translateMigrationError(error);
        }
      },
    });
    await release();
    return result;
  } catch (error) {
    const translated = translateError(error);
    // From a server that is away no answer comes; the end of the connection releases the lock.
    if (!(translated instanceof DatabaseUnavailableError)) await release();
    throw translated;
  } finally {
    await lease?.end();
    connection.destroy();
  }
}

function translateMigrationError(error: unknown): unknown {
  if (!isRefusal(error)) return toUnavailableError(error);
  const right = findMissingRight(error);
  if (right) return new Error(`the database's user lacks ${right}`);
  if (!isLockTimeout(error)) return error;
  return new Error(
    'a lock that another connection holds was not released in time. Find that connection with SHOW FULL PROCESSLIST ' +
      '(a sleeping one may have an open transaction), and wait for it to end or kill it',
  );
}
