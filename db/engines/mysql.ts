/** MySQL and MariaDB through mysql2: a pool of connections a process. */
import type { Pool, RowDataPacket } from 'mysql2/promise';
import { eq, fillPlaceholders, loadMysqlDrizzle, sql } from '../drizzle.ts';
import {
  DatabaseUnavailableError,
  DuplicateError,
  type Engine,
  type MigrationConnection,
  type Rows,
  type Tables,
  touchedEnough,
  type Values,
  type Write,
} from '../engine.ts';
import * as mysqlTables from '../schema.mysql.ts';
import { held } from '../vocabulary.ts';
import {
  connectOnce,
  errnoOf,
  isConflict,
  isLost,
  isServerError,
  MysqlConnections,
  type MysqlOptions,
  persistently,
  STATEMENT_TIMEOUT,
  unavailable,
} from './mysql-connections.ts';

/** How long a migrator waits for another one, in seconds. */
const MIGRATION_PATIENCE = 120;

type Build = Engine['build'];
/** What drizzle's prepared queries for MySQL can, where those for SQLite have `all`. */
interface PreparedRead<Row> {
  execute(values?: Values): Promise<Row[]>;
}

/** Opens a pool; it connects when it is first used. */
export async function openMysql(options: MysqlOptions): Promise<Engine> {
  const connections = new MysqlConnections(options);
  // Each read takes a connection of its own accord; one that was lost meanwhile may be tried again on another.
  const reader = {
    query: (query: { sql: string }, params: unknown[]) =>
      persistently(
        () =>
          connections.use((connection) => connection.query({ ...query, timeout: STATEMENT_TIMEOUT }, params)),
        isLost,
      ),
  };
  const tables: Tables = mysqlTables;

  return {
    dialect: 'mysql',
    tables,
    build: held<Build>(loadMysqlDrizzle()({ client: held<Pool>(reader), casing: 'snake_case' })),
    equals: (column, name) => eq(column, sql.placeholder(name)),
    read<Row>(query: { prepare(): unknown }) {
      const prepared = held<PreparedRead<Row>>(query.prepare());
      return async (values?: Values) => {
        try {
          return await prepared.execute(values);
        } catch (error) {
          throw translated(error);
        }
      };
    },
    write(query, rows) {
      const { sql: statement, params } = query.toSQL();
      return (values) => new MysqlWrite(statement, fillPlaceholders(params, values), rows);
    },
    async atomically(writes) {
      try {
        return await persistently(() => runAll(connections, writes), mayRunAgain);
      } catch (error) {
        throw translated(error);
      }
    },
    async query(statement) {
      try {
        const [rows] = await persistently(
          () =>
            connections.use((connection) =>
              connection.query<RowDataPacket[]>({ sql: statement, timeout: STATEMENT_TIMEOUT }),
            ),
          isLost,
        );
        return rows;
      } catch (error) {
        throw translated(error);
      }
    },
    exclusively: (work) => exclusively(options.url, work),
    checkpoint() {},
    async backup() {
      throw new Error(
        'A MySQL database is copied with the server\'s own tool: "mariadb-dump --single-transaction DATABASE > FILE" or "mysqldump --single-transaction DATABASE > FILE".',
      );
    },
    close: () => connections.close(),
  };
}

class MysqlWrite implements Write {
  readonly rows: Rows;
  readonly statement: string;
  readonly params: unknown[];
  constructor(statement: string, params: unknown[], rows: Rows) {
    this.statement = statement;
    this.params = params;
    this.rows = rows;
  }
}

/** The transaction had been asked to commit when the connection was lost: it may have taken effect. */
class UnknownOutcomeError extends Error {}

function runAll(connections: MysqlConnections, writes: Write[]): Promise<Write | undefined> {
  return connections.use(async (connection) => {
    const run = async (statement: string, params: unknown[] = []) => {
      const [result] = await connection.query({ sql: statement, timeout: STATEMENT_TIMEOUT }, params);
      return 'affectedRows' in result ? result.affectedRows : 0;
    };
    await run('START TRANSACTION');
    try {
      for (const write of writes) {
        if (!(write instanceof MysqlWrite)) throw new TypeError('This write was prepared by another engine.');
        if (touchedEnough(write, await run(write.statement, write.params))) continue;
        await run('ROLLBACK');
        return write;
      }
    } catch (error) {
      // What a connection had begun that was lost, or stands still, the server takes back when it finds it gone.
      if (isServerError(error)) await run('ROLLBACK').catch(() => connection.destroy());
      throw error;
    }
    try {
      await run('COMMIT');
    } catch (error) {
      if (isConflict(error)) throw error;
      throw new UnknownOutcomeError('COMMIT was not answered', { cause: error });
    }
    return undefined;
  });
}

/** Until COMMIT was sent nothing has been changed for good. */
function mayRunAgain(error: unknown): boolean {
  return isConflict(error) || isLost(error);
}

const DUPLICATE_ENTRY = 1062;
/** Access denied to the server or the database, no such database, host not allowed. */
const NOT_ADMITTED = new Set([1044, 1045, 1049, 1130]);

/** Our own error for what the server or the driver says; drizzle's carry the query's values, which may be secrets. */
function translated(error: unknown): unknown {
  const cause =
    error instanceof Error && error.cause && !(error instanceof UnknownOutcomeError) ? error.cause : error;
  if (cause instanceof UnknownOutcomeError) return new DatabaseUnavailableError(`${cause.message}.`, false);
  if (cause instanceof Error && errnoOf(cause) === DUPLICATE_ENTRY) {
    // MySQL names the index with its table, MariaDB without.
    const index = /for key '(?:[^'.]*\.)?([^']*)'/.exec(cause.message)?.[1] ?? '';
    return new DuplicateError(index);
  }
  const timedOut = cause instanceof Error && 'code' in cause && cause.code === 'PROTOCOL_SEQUENCE_TIMEOUT';
  if (timedOut || isLost(cause) || isConflict(cause)) return unavailable(cause);
  if (!(cause instanceof Error && 'sqlState' in cause)) return cause;
  if (NOT_ADMITTED.has(errnoOf(cause))) return unavailable(cause);
  // mysql2's errors carry the statement with its values, and the server's message may quote one.
  const code = 'code' in cause ? String(cause.code) : '';
  return new Error(`The database refused a statement: ${code} (error ${errnoOf(cause)}).`);
}

async function exclusively<Result>(
  url: string,
  work: (connection: MigrationConnection) => Promise<Result>,
): Promise<Result> {
  const connection = await connectOnce(url);
  const query = async (statement: string, params: unknown[] = []) => {
    const [rows] = await connection.query<RowDataPacket[]>(statement, params);
    return rows;
  };
  try {
    const lock = "CONCAT('rollcall ', MD5(DATABASE()))";
    const [row] = await query(`SELECT GET_LOCK(${lock}, ${MIGRATION_PATIENCE}) AS locked`);
    if (row?.locked !== 1) {
      throw new DatabaseUnavailableError(
        `another process has been migrating it for ${MIGRATION_PATIENCE} seconds.`,
      );
    }
    await query('SET SESSION foreign_key_checks = 0');
    let changed = false;
    const result = await work({
      query,
      run: async (statement) => {
        changed = true;
        await connection.query(statement);
      },
    });
    if (changed) await refuseBrokenReferences(query);
    return result;
  } catch (error) {
    throw translated(error);
  } finally {
    // The server gives the lock back with the connection.
    connection.destroy();
  }
}

/** Rows that refer to nothing, in a database whose foreign keys were not enforced for a while. */
async function refuseBrokenReferences(query: MigrationConnection['query']): Promise<void> {
  const keys = await query(
    `SELECT TABLE_NAME AS child, COLUMN_NAME AS reference, REFERENCED_TABLE_NAME AS parent, REFERENCED_COLUMN_NAME AS id
     FROM information_schema.KEY_COLUMN_USAGE
     WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL`,
  );
  for (const { child, reference, parent, id } of keys) {
    const [row] = await query(
      `SELECT COUNT(*) AS broken FROM \`${child}\` c LEFT JOIN \`${parent}\` p ON p.\`${id}\` = c.\`${reference}\`
       WHERE c.\`${reference}\` IS NOT NULL AND p.\`${id}\` IS NULL`,
    );
    if (Number(row?.broken) === 0) continue;
    throw new Error(
      `${row?.broken} rows of table ${child} refer to rows of table ${parent} that are not there.`,
    );
  }
}
