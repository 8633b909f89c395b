/**
 * What migrating needs of MySQL: a connection that no other migrator, on any host, works beside, and in which foreign
 * keys are not enforced, so that they have to be looked at when it is done.
 */
import type { RowDataPacket } from 'mysql2/promise';
import { DatabaseUnavailableError, type MigrationConnection, type Query } from '../engine.ts';
import { connectOnce } from './connections.ts';
import { isLockTimeout, isRefusal, translated, unavailable } from './errors.ts';

/** How long a migrator waits for another one, in seconds. */
const MIGRATION_PATIENCE = 120;
/**
 * How long a change of a table waits for those who use it, in seconds: everybody who comes after it waits as well, and
 * gives up on their statement after 15 s. By default a server would wait for a day.
 */
const TABLE_PATIENCE = 10;

const LOCK = "CONCAT('rollcall ', MD5(DATABASE()))";

/** @returns whether a migrator is at work on the database, in any process. */
export async function isMigrating(query: Query): Promise<boolean> {
  const [row] = await query(`SELECT IS_USED_LOCK(${LOCK}) AS holder`);
  return row !== undefined && row.holder !== null;
}

/** Does the work in a connection that holds the migrators' lock. @throws {DatabaseUnavailableError} */
export async function exclusively<Result>(
  url: string,
  work: (connection: MigrationConnection) => Promise<Result>,
): Promise<Result> {
  const connection = await connectOnce(url);
  const query: Query = async (statement) => {
    const [rows] = await connection.query<RowDataPacket[]>(statement);
    return rows;
  };
  try {
    const [row] = await query(`SELECT GET_LOCK(${LOCK}, ${MIGRATION_PATIENCE}) AS locked`);
    if (row?.locked !== 1) {
      throw new DatabaseUnavailableError(
        `another process has been migrating it for ${MIGRATION_PATIENCE} seconds.`,
      );
    }
    await query(`SET SESSION foreign_key_checks = 0, lock_wait_timeout = ${TABLE_PATIENCE}`);
    return await work({
      query,
      async run(statement) {
        try {
          await connection.query(statement);
        } catch (error) {
          throw whyNotRun(error);
        }
      },
      brokenReferences: () => brokenReferences(query),
    });
  } catch (error) {
    throw translated(error);
  } finally {
    // The server gives the lock back with the connection.
    connection.destroy();
  }
}

function whyNotRun(error: unknown): unknown {
  if (!isRefusal(error)) return unavailable(error);
  if (!isLockTimeout(error)) return error;
  return new Error(
    `a lock that another connection holds was not given up within seconds. See in SHOW FULL PROCESSLIST who has been at work for long (an open transaction may sleep there), and let them end or end them`,
  );
}

interface ForeignKey {
  child: unknown;
  parent: string;
  pairs: { reference: unknown; id: unknown }[];
}

/** @returns of each foreign key with rows that refer to nothing, how many those are, in sentences for the reader. */
async function brokenReferences(query: Query): Promise<string[]> {
  const parts = await query(
    `SELECT CONSTRAINT_NAME AS name, TABLE_NAME AS child, COLUMN_NAME AS reference,
            REFERENCED_TABLE_SCHEMA AS home, REFERENCED_TABLE_NAME AS parent, REFERENCED_COLUMN_NAME AS id
     FROM information_schema.KEY_COLUMN_USAGE
     WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL
     ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION`,
  );
  const keys = new Map<string, ForeignKey>();
  for (const { name, child, reference, home, parent, id } of parts) {
    const key = keys.get(`${child} ${name}`) ?? { child, parent: `\`${home}\`.\`${parent}\``, pairs: [] };
    key.pairs.push({ reference, id });
    keys.set(`${child} ${name}`, key);
  }
  const broken: string[] = [];
  for (const { child, parent, pairs } of keys.values()) {
    const same = pairs.map(({ reference, id }) => `p.\`${id}\` = c.\`${reference}\``);
    // A key of several columns refers to nothing by intention as soon as one of them is empty.
    const given = pairs.map(({ reference }) => `c.\`${reference}\` IS NOT NULL`);
    const [row] = await query(
      `SELECT COUNT(*) AS broken FROM \`${child}\` c LEFT JOIN ${parent} p ON ${same.join(' AND ')}
       WHERE ${given.join(' AND ')} AND p.\`${pairs[0]?.id}\` IS NULL`,
    );
    const count = Number(row?.broken);
    const columns = pairs.map(({ reference }) => reference).join(', ');
    if (count > 0)
      broken.push(
        `${count} rows of table ${child} refer by ${columns} to rows of ${parent.replaceAll('`', '')} that are not there.`,
      );
  }
  return broken;
}
