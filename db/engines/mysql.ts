/** MySQL and MariaDB through mysql2: a pool of connections a process. */
import type { Pool, RowDataPacket } from 'mysql2/promise';
import { eq, fillPlaceholders, loadMysqlDrizzle, sql } from '../drizzle.ts';
import {
  type Engine,
  type Query,
  type Rows,
  type Tables,
  touchedEnough,
  type Values,
  type Write,
} from '../engine.ts';
import * as mysqlTables from '../schema.mysql.ts';
import { held } from '../vocabulary.ts';
import { MysqlConnections, type MysqlOptions, persistently, STATEMENT_TIMEOUT } from './mysql-connections.ts';
import { isConflict, isLost, isServerError, translated, UnknownOutcomeError } from './mysql-errors.ts';
import { exclusively, isMigrating } from './mysql-migrations.ts';

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
  const build = held<Build>(loadMysqlDrizzle()({ client: held<Pool>(reader), casing: 'snake_case' }));
  const query: Query = async (statement) => {
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
  };

  return {
    dialect: 'mysql',
    tables,
    build,
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
    query,
    isMigrating: () => isMigrating(query),
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
